"""Job types and handlers of one's own: a small shop. In the folder above, while no other `fairway up` runs there:

export FAIRWAY_JOBS=own_jobs.jobs FAIRWAY_HANDLERS=own_jobs.handlers
fairway up
fairway send shop.charge order=A-17 cents=1250 --wait      # in a second terminal
"""

"""The web app: every route of one replica, put together. Plain ASGI, so that any ASGI server can run it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from producer.web import health, jobs, views
from producer.web.batch import batch_route
from producer.web.docs import docs_routes
from producer.web.failures import answer_failures
from producer.web.openapi import describe
from producer.web.served import Served
from producer.web.submit import submit_route
from producer.web.tier import Tier
from producer.web.unbuilt import unbuilt_routes
from shared.catalogue import Catalogue
from shared.records import Records, open_records
from shared.settings import Settings


class WebApp(FastAPI):
    """A FastAPI app that says on each answer which replica gave it, on those to defects of its own too."""

    def __init__(self, tier: Tier, *, close_records: bool) -> None:
        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
            async with tier.running():
                yield
            if close_records and tier.kept is not None:
                tier.kept.close()

        super().__init__(
            title="Fairway",
            version=version("fairway"),
            description="A work queue on RabbitMQ: submit jobs, look them up, wait for them, see who does them.",
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},  # its records would hold what clients sent
            lifespan=lifespan,
        )
        self.tier = tier
        self.state.tier = tier

    def build_middleware_stack(self) -> ASGIApp:
        return Served(super().build_middleware_stack(), self.tier.replica)


def create_app(settings: Settings | None = None, records: Records | None = None) -> WebApp:
    """The app of one replica. `settings` by default from the environment; `records` where they were opened already
    (then they are not closed with the app). Raises `NotConfigured`.
    """
    settings = settings or Settings.load()
    kept = records or open_records(settings.records_url)
    tier = Tier.of(settings, Catalogue.load(settings.jobs), kept)
    app = WebApp(tier, close_records=records is None)
    # The hot ones first: routes are looked at in order.
    app.router.routes += [submit_route(tier), batch_route(tier), *jobs.router.routes, *views.router.routes, *health.router.routes]
    app.router.routes += [*docs_routes(), *unbuilt_routes()]
    describe(app, tier)
    answer_failures(app)
    return app

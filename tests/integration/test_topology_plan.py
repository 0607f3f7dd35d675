"""`plan` and `apply` on a real RabbitMQ: what is missing is made once, what differs is told, nothing else is touched."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner, Result

from fairway.commands.topology import command
from shared.catalogue import Catalogue
from shared.control.apply import apply
from shared.control.connect import capabilities_of, channel_of, connected
from shared.control.difference import Different, Missing, Overridden
from shared.control.plan import Plan, plan
from shared.errors import BrokerDown, NotConfigured, TopologyDiffers
from shared.settings import Settings
from shared.topology import DELIVERY_LIMIT
from tests.support.broker import Broker

QUEUES = ("images", "mails")


@pytest.fixture
def settings(fresh_broker: Broker) -> Settings:
    return Settings.model_validate({"amqp_url": fresh_broker.amqp_url, "management_url": fresh_broker.management_url})


@pytest.fixture
def blind(settings: Settings) -> Settings:
    """The same broker without the management API."""
    return settings.model_copy(update={"management_url": None})


async def test_apply_makes_what_plan_misses_once(settings: Settings) -> None:
    before = await plan(settings, QUEUES)
    missing = {(finding.kind, finding.name) for finding in before.findings if isinstance(finding, Missing) and finding.kind != "binding"}
    made = await apply(settings, QUEUES)
    assert {(type(item).__name__.lower(), item.name) for item in made} == missing
    assert await plan(settings, QUEUES) == Plan((), complete=True)
    assert await apply(settings, QUEUES) == []


async def test_a_new_queue_is_all_that_the_next_apply_makes(settings: Settings) -> None:
    await apply(settings, ("images",))
    assert [item.name for item in await apply(settings, QUEUES)] == ["fairway.dead.mails", "fairway.q.mails"]


async def test_two_applies_at_once_agree(settings: Settings) -> None:
    await asyncio.gather(apply(settings, QUEUES), apply(settings, QUEUES))
    assert await plan(settings, QUEUES) == Plan((), complete=True)


async def test_two_deployments_share_a_broker_by_their_prefixes(settings: Settings) -> None:
    await apply(settings, QUEUES)
    other = settings.model_copy(update={"prefix": "shop"})
    assert all(item.name.startswith("shop.") for item in await apply(other, QUEUES))
    assert await plan(settings, QUEUES) == await plan(other, QUEUES) == Plan((), complete=True)


async def test_without_the_management_api_plan_sees_only_what_is_missing(blind: Settings) -> None:
    found = await plan(blind, ("images",))
    assert not found.complete
    assert {finding.kind for finding in found.findings if isinstance(finding, Missing)} == {"exchange", "queue"}
    await apply(blind, ("images",))
    assert await plan(blind, ("images",)) == Plan((), complete=False)
    assert [str(finding) for finding in (await plan(blind, QUEUES)).findings] == [
        "missing: queue fairway.dead.mails",
        "missing: queue fairway.q.mails",
    ]


async def test_a_queue_with_other_arguments_is_one_clear_error(settings: Settings) -> None:
    async with connected(settings, "test") as connection, channel_of(connection) as opened:
        await opened.declare_queue("fairway.q.mails", durable=True, arguments={"x-queue-type": "quorum"})
    with pytest.raises(
        TopologyDiffers, match=r"queue fairway\.q\.mails is there with another x-\S+ \(received .*current is none.*apply again"
    ):
        await apply(settings, QUEUES)
    findings = {finding.trait: finding for finding in (await plan(settings, QUEUES)).findings if isinstance(finding, Different)}
    assert findings["x-delivery-limit"] == Different("queue", "fairway.q.mails", "x-delivery-limit", DELIVERY_LIMIT, None)
    assert findings.keys() == {
        "x-delivery-limit",
        "x-overflow",
        "x-dead-letter-exchange",
        "x-dead-letter-routing-key",
        "x-dead-letter-strategy",
    }


async def test_an_exchange_of_another_kind_is_one_clear_error(settings: Settings) -> None:
    async with connected(settings, "test") as connection, channel_of(connection) as opened:
        await opened.declare_exchange("fairway.jobs", "direct", durable=True)
    with pytest.raises(TopologyDiffers, match=r"exchange fairway\.jobs is there with another type"):
        await apply(settings, QUEUES)
    assert Different("exchange", "fairway.jobs", "type", "topic", "direct") in (await plan(settings, QUEUES)).findings


async def test_a_lost_binding_is_seen_and_made_again(settings: Settings) -> None:
    await apply(settings, QUEUES)
    async with connected(settings, "test") as connection, channel_of(connection) as opened:
        await (await opened.get_queue("fairway.q.mails", ensure=False)).unbind("fairway.jobs", "mails")
    assert (await plan(settings, QUEUES)).findings == (Missing("binding", "fairway.jobs --mails--> fairway.q.mails"),)
    assert await apply(settings, QUEUES) == []
    assert (await plan(settings, QUEUES)).findings == ()


async def test_a_policy_that_can_lose_jobs_is_seen(settings: Settings, fresh_broker: Broker) -> None:
    await apply(settings, QUEUES)
    fresh_broker.management.put_policy(fresh_broker.vhost, "theirs", r"\.q\.", "queues", {"max-length": 5, "overflow": "drop-head"})
    assert (await plan(settings, QUEUES)).findings == (
        Overridden("queue", "fairway.q.images", "max-length", 5),
        Overridden("queue", "fairway.q.mails", "max-length", 5),
    )


# -- what connects ----------------------------------------------------------------------------------


async def test_every_address_is_tried(fresh_broker: Broker) -> None:
    several = Settings.model_validate({"amqp_url": f"amqp://127.0.0.1:1/, {fresh_broker.amqp_url}, amqp://nobody:x@127.0.0.1:1/"})
    async with connected(several, "test") as connection:
        assert capabilities_of(connection).version >= (3, 10, 0)


async def test_nobody_home_is_told_address_by_address_without_passwords() -> None:
    nobody = Settings.model_validate({"amqp_url": "amqp://me:sesame@127.0.0.1:1/, amqp://me:sesame@127.0.0.1:2/"})
    with pytest.raises(BrokerDown, match=r"FAIRWAY_AMQP_URL.*127\.0\.0\.1:[12].*127\.0\.0\.1:[12]") as caught:
        await plan(nobody, QUEUES)
    assert "sesame" not in str(caught.value)


async def test_a_virtual_host_that_is_not_there_is_told(fresh_broker: Broker) -> None:
    elsewhere = Settings.model_validate({"amqp_url": fresh_broker.amqp_url + "-nowhere"})
    with pytest.raises(BrokerDown, match="is the virtual host there"):
        await plan(elsewhere, QUEUES)


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("http://me:wrong@{host}", NotConfigured, "login of FAIRWAY_MANAGEMENT_URL may not read"),
        ("http://me:x@127.0.0.1:1", BrokerDown, "FAIRWAY_MANAGEMENT_URL"),
        ("ftp://127.0.0.1", NotConfigured, "FAIRWAY_MANAGEMENT_URL must have the form"),
    ],
)
async def test_a_management_api_that_does_not_answer_is_told(fresh_broker: Broker, url: str, error: type[Exception], words: str) -> None:
    host = fresh_broker.management_url.rpartition("@")[2]
    with pytest.raises(error, match=words):
        await plan(Settings.model_validate({"amqp_url": fresh_broker.amqp_url, "management_url": url.format(host=host)}), QUEUES)


# -- the command line -------------------------------------------------------------------------------


@pytest.fixture
def fairway(fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("FAIRWAY_AMQP_URL", fresh_broker.amqp_url)
    monkeypatch.setenv("FAIRWAY_MANAGEMENT_URL", fresh_broker.management_url)
    return CliRunner()


def run(fairway: CliRunner, *arguments: str) -> Result:
    return fairway.invoke(command, arguments)


def test_plan_ends_with_1_until_apply_was_run(fairway: CliRunner) -> None:
    before = run(fairway, "plan", "--queues", "mails")
    assert before.exit_code == 1
    assert "missing: queue fairway.q.mails\n" in before.output
    assert "fairway topology apply" in before.output
    made = run(fairway, "apply", "--queues", "mails")
    assert (made.exit_code, "made: queue fairway.q.mails\n" in made.output) == (0, True)
    assert run(fairway, "apply", "--queues", "mails").output == "nothing to make: every exchange and queue is there\n"
    after = run(fairway, "plan", "--queues", "mails")
    assert (after.exit_code, after.output) == (0, "nothing to do: all that is wanted is there\n")


def test_plan_and_apply_speak_json(fairway: CliRunner) -> None:
    before = json.loads(run(fairway, "plan", "--queues", "mails", "--json").output)
    assert before["complete"] is True
    assert {"finding": "missing", "kind": "queue", "name": "fairway.q.mails"} in before["findings"]
    made = json.loads(run(fairway, "apply", "--queues", "mails", "--json").output)
    assert {"kind": "queue", "name": "fairway.q.mails"} in made["made"]
    assert json.loads(run(fairway, "plan", "--queues", "mails", "--json").output) == {"complete": True, "findings": []}


def test_the_queues_are_those_of_the_job_types_unless_named(fairway: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_JOBS", "shared.jobs.text")
    made = {line.removeprefix("made: queue ") for line in run(fairway, "apply").output.splitlines()}
    assert {name for name in made if ".q." in name} == {f"fairway.q.{queue}" for queue in Catalogue.load(["shared.jobs.text"]).queues}
    assert run(fairway, "plan").exit_code == 0


def test_a_queue_name_of_another_form_is_wrong_usage(fairway: CliRunner) -> None:
    result = run(fairway, "plan", "--queues", "mails,Mails")
    assert (result.exit_code, "'Mails' must match" in result.output) == (2, True)

"""Makes every call of `linkedapi` (PyPI) and prints the answers as JSON, by the name of the call.

Input: a JSON object with baseUrl, linkedApiToken, identificationToken, accountId, webhookUrl,
params, leftOut: the names of workflows that are not run, and timeoutSeconds.
"""

import json
import sys
import time

from linkedapi import LinkedApi, LinkedApiConfig, LinkedApiError
from linkedapi.admin import AdminHttpClient, LinkedApiAdmin
from linkedapi.types.admin import AdminConfig
from linkedapi.types.message import InboxPersonPollRequest
from pydantic import BaseModel

given = json.load(sys.stdin)
config = LinkedApiConfig(
    linked_api_token=given["linkedApiToken"],
    identification_token=given["identificationToken"],
    base_url=given["baseUrl"],
)
client = LinkedApi(config)
admin = LinkedApiAdmin(
    AdminHttpClient(AdminConfig(linked_api_token=given["linkedApiToken"]), base_url=given["baseUrl"])
)
answers = {}
UNTIL = time.monotonic() + given["timeoutSeconds"]


class Params(BaseModel):
    """Any parameters, named as Linked API names them."""

    model_config = {"extra": "allow"}


def plain(value):
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "data") and hasattr(value, "errors"):
        return {"data": plain(value.data), "errors": plain(value.errors)}
    return value


def call(name, work):
    while True:
        try:
            result = work()
            answers[name] = plain(result)
            return result
        except LinkedApiError as error:
            answers[name] = {"error": error.type}
            # Such a call is answered "try again later".
            if error.type != "httpError" or time.monotonic() > UNTIL:
                return None
        except (TypeError, ValueError) as error:
            # The simulated answer is less than the types of the client want.
            answers[name] = {"invalid": str(error)}
            return None


def with_params(**values):
    return Params(**values)


account = with_params(accountId=given["accountId"])
session = with_params(sessionId="simulated-session")
limits = with_params(
    accountId=given["accountId"],
    limits=[{"category": "stMessages", "period": "daily", "maxValue": 5}],
)
person = given["params"]["personUrl"]
conversations = [with_params(personUrl=person, type="st")]

call("get_account_info", client.get_account_info)
call("get_api_usage", lambda: client.get_api_usage(with_params(start="2026-01-01", end="2026-01-02")))
call("poll_conversations", lambda: client.poll_conversations(conversations))
call("poll_inbox", client.poll_inbox)
call("poll_inbox of a person", lambda: client.poll_inbox(InboxPersonPollRequest(person_url=person)))
call("poll_network", client.poll_network)

accounts = admin.accounts
call("accounts.get_all", accounts.get_all)
call("accounts.disconnect", lambda: accounts.disconnect(account))
call("accounts.reparse_account_info", lambda: accounts.reparse_account_info(account))
call("accounts.regenerate", lambda: accounts.regenerate_identification_token(account))
call("accounts.create_connection_session", accounts.create_connection_session)
call("accounts.create_reconnection_session", lambda: accounts.create_reconnection_session(account))
call("accounts.get_connection_session", lambda: accounts.get_connection_session(session))
call("accounts.cancel_connection_session", lambda: accounts.cancel_connection_session(session))
call("limits.get_defaults", admin.limits.get_defaults)
call("limits.get", lambda: admin.limits.get(account))
call("limits.get_usage", lambda: admin.limits.get_usage(account))
call("limits.set", lambda: admin.limits.set(limits))
call("limits.delete", lambda: admin.limits.delete(limits))
call("limits.reset_to_defaults", lambda: admin.limits.reset_to_defaults(account))
call("subscription.get_status", admin.subscription.get_status)
call("subscription.get_seats", admin.subscription.get_seats)
seats = with_params(quantity=1, seatType="core", billingPeriod="month")
call("subscription.set_seats", lambda: admin.subscription.set_seats(seats))

hooks = admin.webhooks
events = ["workflow.*", "account.frozen"]
hook = call(
    "webhooks.set",
    lambda: hooks.set(with_params(url=given["webhookUrl"], signingEnabled=True, events=events)),
)
hook_id = hook.id if hook else "whs-none"


def of_hook(**values):
    return with_params(id=hook_id, **values)


def kept(*names):
    """The changed webhook, of which only these members are compared."""
    return lambda webhook: {name: plain(webhook).get(name) for name in names}


def hook_call(name, work, *names):
    call(f"webhooks.{name}", lambda: kept("id", *names)(work()))


hook_call("set_payload_mode", lambda: hooks.set_payload_mode(of_hook(payloadMode="thin")), "payload_mode")
hook_call("set_events", lambda: hooks.set_events(of_hook(events=["workflow.completed"])), "events")
hook_call("set_headers", lambda: hooks.set_headers(of_hook(headers={"x-one": "1"})), "header_names")
hook_call("delete_header", lambda: hooks.delete_header(of_hook(name="x-one")), "header_names")
hook_call("set_header", lambda: hooks.set_header(of_hook(name="x-two", value="2")), "header_names")
hook_call("set_signing", lambda: hooks.set_signing(of_hook(signingEnabled=True)), "signing_enabled", "secret")
hook_call("reveal_secret", lambda: hooks.reveal_secret(of_hook()), "signing_enabled", "secret")
hook_call("rotate_secret", lambda: hooks.rotate_secret(of_hook()), "signing_enabled", "secret")
call("webhooks.get", lambda: isinstance(hooks.get(), list))
call("webhooks.event_types", lambda: "workflow.completed" in hooks.event_types())
call("webhooks.deliveries", lambda: isinstance(hooks.deliveries(), list))
call("webhooks.send_test", hooks.send_test)
call("webhooks.delete", lambda: hooks.delete(of_hook()))

started = []
for operation in client.operations:
    name = operation.operation_name
    if name in given["leftOut"]:
        continue
    params = with_params(**given["params"])
    flow = call(f"{name} starts", lambda: operation.execute(params).workflow_id)
    answers.pop(f"{name} starts")
    started.append((name, operation, flow))
for name, operation, flow in started:
    call(name, lambda: operation.result(flow, poll_interval=0.5, timeout=given["timeoutSeconds"]))

print(json.dumps(answers))

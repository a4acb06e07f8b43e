import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { Failure } from "../contracts/failures.ts";
import { OPERATOR_ACTION, OPERATOR_SOURCE } from "../contracts/operator-action.ts";
import type { PublishOperatorAction } from "../core/audit/sweep-audit.ts";
import { callDependency } from "./dependency-down.ts";

/** Publishes operator actions on EventBridge, under a source of their own. */
export function makePublishOperatorAction(options: {
  client: EventBridgeClient;
  busName: string;
}): PublishOperatorAction {
  return async ({ detail }) => {
    const command = new PutEventsCommand({
      Entries: [
        {
          EventBusName: options.busName,
          Source: OPERATOR_SOURCE,
          DetailType: OPERATOR_ACTION,
          Detail: detail,
        },
      ],
    });
    const { Entries = [] } = await callDependency("EventBridge PutEvents", () =>
      options.client.send(command),
    );
    const [entry] = Entries;
    if (entry?.EventId !== undefined) return;
    throw new Failure("PUBLISH_FAILED", entry?.ErrorCode ?? "no answer for the entry");
  };
}

import * as z from "zod/mini";
import { arnMatches, arnOfResource, findResource } from "./references.ts";
import type { Resource, Template } from "./resource.ts";

const oneOrMore = z.union([z.string(), z.array(z.string())]);

/** The parts of a queue policy that are evaluated. A principal may also be `*`. */
const policy = z.object({
  Queues: z.array(z.unknown()),
  PolicyDocument: z.object({
    Statement: z.array(
      z.object({
        Effect: z.string(),
        Principal: z.union([z.string(), z.object({ Service: z.optional(oneOrMore) })]),
        Action: oneOrMore,
        Resource: oneOrMore,
        Condition: z.optional(z.record(z.string(), z.record(z.string(), oneOrMore))),
      }),
    ),
  }),
});

/**
 * Returns whether a policy of the queue allows EventBridge to send to it for this
 * rule. Of the conditions only the source ARN is evaluated. Denials are ignored:
 * those in our templates are about TLS, which the local run does not have.
 */
export function mayEventBridgeSend(template: Template, queue: Resource, ruleArn: string): boolean {
  return template
    .resources("AWS::SQS::QueuePolicy")
    .map(({ properties }) => policy.parse(properties))
    .filter(({ Queues }) =>
      Queues.some((one) => findResource(template, "AWS::SQS::Queue", nameIn(one)) === queue),
    )
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .some(({ Effect, Principal, Action, Resource, Condition = {} }) => {
      const services = typeof Principal === "string" ? [] : [Principal.Service ?? []].flat();
      const sources = Object.values(Condition).flatMap((keys) => keys["aws:SourceArn"] ?? []);
      return (
        Effect === "Allow" &&
        services.includes("events.amazonaws.com") &&
        [Action].flat().some((action) => ["sqs:SendMessage", "sqs:*"].includes(action)) &&
        [Resource].flat().some((arn) => arnMatches(arn, arnOfResource(queue))) &&
        (sources.length === 0 || sources.some((arn) => arnMatches(arn, ruleArn)))
      );
    });
}

/** A policy refers to its queues by their URLs. */
function nameIn(queue: unknown): string | undefined {
  return String(queue).split("/").at(-1);
}

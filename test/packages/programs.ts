/** Programs that the projects of `run.ts` contain, as users of the packages write them. */

/** A CDK app with two constructs in one stack; it is TypeScript and JavaScript at once. */
export const cdkApp = `
import { Ackwire } from "@ackwire/cdk";
import { App, Stack } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { Queue } from "aws-cdk-lib/aws-sqs";

const app = new App({ outdir: "cdk.out", analyticsReporting: false });
const stack = new Stack(app, "Shop");
const orders = new Ackwire(stack, "Orders", {
  settings: { paceMinSeconds: 60, paceMaxSeconds: 180, ingestMemoryMib: 1024 },
  alarms: { pageEmail: "on-call@example.com", thresholds: { "lane-age": 3600 } },
  logLevel: "WARN",
});
new Ackwire(stack, "Returns", { alarms: "off", retainData: false });
new Rule(stack, "Completed", {
  eventBus: orders.bus,
  eventPattern: { source: ["ackwire"], detailType: ["workflow.completed"] },
  targets: [new SqsQueue(new Queue(stack, "Results"))],
});
app.synth();
`;

export const required = `
const { Ackwire } = require("@ackwire/cdk");
console.log(typeof Ackwire);
`;

/** What the declarations must accept and must not. */
export const ownTypes = `
import { Ackwire, type AckwireProps, ConfigurationError } from "@ackwire/cdk";
import { Stack } from "aws-cdk-lib";

export const props: AckwireProps = { settings: { paceMinSeconds: undefined }, alarms: "off" };
export const failed = (error: unknown) => error instanceof ConfigurationError && error.message;
// @ts-expect-error: a setting that does not exist
new Ackwire(new Stack(), "A", { settings: { paceMinimum: 1 } });
// @ts-expect-error: a number is wanted
new Ackwire(new Stack(), "A", { settings: { paceMinSeconds: "1" } });
// @ts-expect-error: only the local run may set it
new Ackwire(new Stack(), "A", { webhookTargets: "{}" });
// @ts-expect-error: a level that does not exist
new Ackwire(new Stack(), "A", { logLevel: "LOUD" });
`;

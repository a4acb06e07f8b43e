import { SQSClient } from "@aws-sdk/client-sqs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { recreateQueue } from "../support/runs/peers.ts";
import { openOurs, parameters } from "./differential.ts";
import { isAnsweredAlike } from "./known-differences.ts";
import { answer, type Command, commands, type Side } from "./sqs-commands.ts";

/** Above this, a receive of ten may leave out any of them. */
const MAX_MESSAGES = 9;
/** A message goes to the dead-letter queue at its fourth receive. */
const RECEIVE_COUNT = 3;

const opened = new AsyncDisposableStack();
let clients: [ours: SQSClient, theirs: SQSClient];
beforeAll(async () => {
  const urls = [await openOurs(opened), process.env.ACKWIRE_SQS_ENDPOINT ?? ""];
  const [ours, theirs] = urls.map((url) => {
    const client = new SQSClient({ ...localAws(url), maxAttempts: 1 });
    opened.defer(() => client.destroy());
    return client;
  });
  if (!ours || !theirs) throw new Error("no clients");
  clients = [ours, theirs];
});
afterAll(() => opened.disposeAsync());

async function openSide(client: SQSClient, run: number): Promise<Side> {
  const deadLetterUrl = await recreateQueue(client, `dead-${run}`, {});
  const deadLetterTargetArn = `arn:aws:sqs:us-east-1:000000000000:dead-${run}`;
  const queueUrl = await recreateQueue(client, `work-${run}`, {
    VisibilityTimeout: "600",
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: RECEIVE_COUNT }),
  });
  return { client, queueUrl, deadLetterUrl, handles: new Map() };
}

/** How many messages a command may add. */
function added(command: Command): number {
  if (command.name === "send") return 1;
  return command.name === "sendBatch" ? command.entries.length : 0;
}

test("Random commands are answered as by the other emulator", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(commands.filter(isAnsweredAlike), { minLength: 1, maxLength: 25 }),
      async (drawn) => {
        run++;
        const ours = await openSide(clients[0], run);
        const theirs = await openSide(clients[1], run);
        let sent = 0;
        for (const command of drawn) {
          sent += added(command);
          if (sent > MAX_MESSAGES) return;
          const expected = await answer(theirs, command);
          expect(await answer(ours, command)).toEqual(expected);
        }
      },
    ),
    parameters(),
  );
});

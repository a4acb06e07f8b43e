import type { Random } from "../engine/random.ts";
import type { Receipt } from "./client.ts";
import { arnOf, type Command, type Input, MATCHED, ROLE_ARN } from "./definitions.ts";

/** A command, or time that passes. */
export type Step = Command | { waitMs: number };

const FUTURE_YEAR = 2099;

/** Receipts among which a command chooses: the last ones, current or of before a later receive. */
const REMEMBERED = 12;

/**
 * Draws the steps of one sequence, some of which the services must refuse.
 *
 * @param of `prefix` begins the names and texts of this sequence: the local services keep what
 *   earlier sequences have made
 */
export function makeSequence({ random, prefix }: { random: Random; prefix: string }) {
  const receipts: Receipt[] = [];
  let texts = 0;

  /** Draws what is valid, but for one time of eight. */
  const mostly = <T>(valid: readonly T[], refused: readonly T[]): T =>
    random.pick(random.chance(0.875) ? valid : refused);
  const name = () => `${prefix}-${random.int(0, 3)}`;
  const text = () => JSON.stringify({ id: `${prefix}/${++texts}`, n: random.int(0, 9) });
  const entries = <T>(make: (id: string) => T) =>
    Array.from({ length: random.int(1, 4) }, (_, n) => make(`e${n}`));
  const command = (className: string, input: Input): Command => ({ name: className, input });

  function message(): Input {
    const MessageBody = mostly([text()], ["", "\u0001"]);
    const delay = random.pick([undefined, undefined, undefined, 0, 1, 2, 900, 901, -1]);
    return { MessageBody, ...(delay === undefined ? {} : { DelaySeconds: delay }) };
  }

  const receipt = () =>
    receipts.length > 0 && random.chance(0.9)
      ? random.pick(receipts.slice(-REMEMBERED))
      : "a handle of nothing";
  const timeout = () => random.pick([0, 0, 1, 3, 40_000, 43_200, 43_201, -1]);

  function event(): Input {
    return {
      ...{ EventBusName: "bus", Source: "ackwire", Detail: text() },
      DetailType: random.pick([MATCHED, "workflow.created"]),
      ...mostly([{}], refusedParts),
    };
  }

  function schedule(): Input {
    const token = random.pick([undefined, undefined, "token"]);
    return {
      Name: mostly([name()], ["x".repeat(65), "a b"]),
      ...{ GroupName: "group", ScheduleExpression: expression(), State: "DISABLED" },
      ScheduleExpressionTimezone: mostly(["UTC", "Europe/Berlin"], ["Mars/Base"]),
      FlexibleTimeWindow: mostly([{ Mode: "OFF" }], refusedWindows),
      Target: { Arn: arnOf("jobs"), RoleArn: ROLE_ARN, Input: text() },
      ...(token === undefined ? {} : { ClientToken: token }),
    };
  }

  const expression = () =>
    mostly(
      [
        `at(${FUTURE_YEAR}-01-0${random.int(1, 9)}T00:00:00)`,
        `cron(${random.int(0, 59)} 3 * * ? *)`,
        "rate(5 minutes)",
      ],
      ["at(2001-01-01T00:00:00)", "cron(every monday)", "rate(1 minutes)"],
    );

  const batch = (make: (id: string) => Input) => ({ QueueUrl: "jobs", Entries: entries(make) });
  const deletion = (Id: string) => ({ Id, ReceiptHandle: receipt() });
  const visibility = (Id: string) => ({ ...deletion(Id), VisibilityTimeout: timeout() });

  const object = () => ({ Body: text(), ...random.pick([{}, { Metadata: { by: text() } }]) });

  const steps: readonly (() => Step)[] = [
    () => ({ waitMs: random.int(1, 3) * 1_000 }),
    () => ({ waitMs: random.int(1, 3) * 1_000 }),
    () => command("SendMessageCommand", { QueueUrl: "jobs", ...message() }),
    () =>
      command(
        "SendMessageBatchCommand",
        batch((Id) => ({ Id, ...message() })),
      ),
    () => command("ChangeMessageVisibilityBatchCommand", batch(visibility)),
    () => command("ChangeMessageVisibilityBatchCommand", batch(visibility)),
    () => command("DeleteMessageBatchCommand", batch(deletion)),
    () => command("PutEventsCommand", { Entries: entries(event) }),
    () => command("CreateScheduleCommand", schedule()),
    () => command("UpdateScheduleCommand", schedule()),
    () => command("DeleteScheduleCommand", { Name: name(), GroupName: "group" }),
    () => command("PutObjectCommand", { Bucket: "bodies", Key: name(), ...object() }),
    () => command("GetObjectCommand", { Bucket: "bodies", Key: name() }),
    () => command("ListObjectsV2Command", { Bucket: "bodies", Prefix: `${prefix}-` }),
    () => command("GetSecretValueCommand", { SecretId: "master" }),
  ];

  return {
    next: (): Step => random.pick(steps)(),
    /** Later commands use the receipt handles of these messages. */
    received: (more: readonly Receipt[]) => void receipts.push(...more),
  };
}

/** Of an event that the bus does not take. */
const refusedParts: readonly Input[] = [
  { Source: "" },
  { Source: "aws.events" },
  { DetailType: "" },
  { Detail: "" },
  { Detail: "{" },
  { Detail: "[1]" },
];

/** Flexible windows: the product uses none, and a valid one is not simulated. */
const refusedWindows: readonly Input[] = [
  { Mode: "OFF", MaximumWindowInMinutes: 5 },
  { Mode: "FLEXIBLE" },
];

/** What the simulated services and those of the local run have in common. */

export type Input = Record<string, unknown>;

export interface Command {
  /** The class of the SDK, such as `SendMessageCommand`. Its `QueueUrl` is the name of a queue. */
  name: string;
  input: Input;
}

/** Carries out a command. Rejects with the service's error. */
export type Call = (name: string, input: Input) => Promise<unknown>;

/** The services that are compared: one of the two sides. */
export interface Services {
  call: Call;
  /** Lets time pass, which stands still otherwise. */
  pass(ms: number): Promise<void>;
}

/** Of work, of the events that the rule of the bus matches, and of what `jobs` has given up. */
export const queueNames = ["jobs", "matched", "dead"] as const;

export const VISIBILITY_SECONDS = 2;

/** Receives of a message of `jobs` before it goes to `dead`. */
export const MAX_RECEIVES = 3;

/** The type of events that the rule of the bus matches. */
export const MATCHED = "workflow.completed";

export const SECRET = "the secret";

export const ROLE_ARN = "arn:aws:iam::000000000000:role/Timer";

export const arnOf = (queue: string): string => `arn:aws:sqs:us-east-1:000000000000:${queue}`;

/** Characters of an input or an answer that a difference shows. */
const SHOWN = 1_500;

/** Says what differs. It begins with the name of the command. */
export function difference(
  what: string,
  of: { input: unknown; simulated: unknown; local: unknown },
): string {
  const lines = Object.entries(of).map(
    ([name, value]) => `${name} ${JSON.stringify(value)?.slice(0, SHOWN)}`,
  );
  return `${what}\n  ${lines.join("\n  ")}`;
}

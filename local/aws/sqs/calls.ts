/** The parameters of one SQS operation. */
export type Input = Record<string, unknown>;

/** Runs an action of fauxqs and converts its errors to `AwsError`. */
export type CallSqs = (name: string, input: Input) => unknown;

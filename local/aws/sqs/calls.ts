/** The parameters of one SQS operation. */
export type Input = Record<string, unknown>;

/** Runs one of fauxqs's actions and translates its errors. */
export type CallSqs = (name: string, input: Input) => unknown;

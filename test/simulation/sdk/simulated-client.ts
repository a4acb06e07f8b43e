/** What receives the calls of the AWS clients. */
type Send = (name: string, input: unknown, abortSignal?: AbortSignal) => Promise<unknown>;

let send: Send | undefined;
let watch: ((name: string, input: unknown) => void) | undefined;

/** From now on, this run receives the calls of every AWS client in this process. */
export function receiveAwsCalls(by: Send): void {
  send = by;
}

/** From now on, this is told of every command of an AWS client in this process, before it is sent. */
export function watchAwsCalls(by: (name: string, input: unknown) => void): void {
  watch = by;
}

/** Takes the place of each client of the AWS SDK: `hooks.ts` replaces them. */
export class SimulatedClient {
  /** As `DynamoDBDocumentClient.from`. */
  static from(): SimulatedClient {
    return new SimulatedClient();
  }

  async send(
    command: { constructor: { name: string }; input: unknown },
    options: { abortSignal?: AbortSignal } = {},
  ): Promise<unknown> {
    if (!send) throw new Error("no simulation is running");
    watch?.(command.constructor.name, command.input);
    return send(command.constructor.name, command.input, options.abortSignal);
  }

  destroy(): void {}
}

/** What receives the calls of the AWS clients. */
type Send = (name: string, input: unknown, abortSignal?: AbortSignal) => Promise<unknown>;

let send: Send | undefined;

/** From now on, this run receives the calls of every AWS client in this process. */
export function receiveAwsCalls(by: Send): void {
  send = by;
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
    return send(command.constructor.name, command.input, options.abortSignal);
  }

  destroy(): void {}
}

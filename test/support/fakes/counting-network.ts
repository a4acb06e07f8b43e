import { connect, Socket, type TcpNetConnectOpts } from "node:net";

/**
 * A network that counts every lookup and every connection. No packet leaves the machine.
 *
 * @param answers the addresses of the first lookup, the second and so on; the last one is repeated
 * @param route a port of this machine to which every connection leads; absent: all are refused
 */
export function makeCountingNetwork(answers: readonly (readonly string[])[], route?: number) {
  const lookups: string[] = [];
  const connects: { options: TcpNetConnectOpts; pinned: string[] }[] = [];
  return {
    lookups,
    connects,
    async lookup(hostname: string) {
      const answer = answers[Math.min(lookups.length, answers.length - 1)] ?? [];
      lookups.push(hostname);
      return answer.map((address) => ({ address }));
    },
    connect(options: TcpNetConnectOpts) {
      const pinned: string[] = [];
      options.lookup?.(options.host ?? "", { all: true }, (_, found) => {
        if (Array.isArray(found)) pinned.push(...found.map(({ address }) => address));
      });
      connects.push({ options, pinned });
      if (route !== undefined) return connect({ port: route, host: "127.0.0.1" });
      return new Socket().destroy(Object.assign(new Error(), { code: "ECONNREFUSED" }));
    },
  };
}

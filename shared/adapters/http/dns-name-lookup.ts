import { Resolver } from "node:dns/promises";

/** Timeout of one query to one name server (real time), and the number of tries. */
const queryMs = 2_000;
const tries = 2;

/**
 * All addresses of a name, by asking the name servers directly.
 *
 * Does not use `dns.lookup`, which occupies one of libuv's few threads and cannot
 * be cancelled: names whose servers never answer would block every other lookup of
 * the process, those of AWS included. Here each query ends by its timeout or its
 * signal. `/etc/hosts` is not read; `localhost` is known.
 *
 * @param servers those of the system if absent; for tests
 * @param timeoutMs of one query to one name server, in real time
 */
export function makeNameLookup(servers?: readonly string[], timeoutMs = queryMs) {
  return async (hostname: string, signal: AbortSignal): Promise<{ address: string }[]> => {
    if (hostname === "localhost") return [{ address: "127.0.0.1" }, { address: "::1" }];
    const resolver = new Resolver({ timeout: timeoutMs, tries });
    if (servers) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([
        resolver.resolve4(hostname),
        resolver.resolve6(hostname),
      ]);
      const found = answers.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      const [first] = answers;
      if (found.length === 0 && first?.status === "rejected") throw first.reason;
      return found.map((address) => ({ address }));
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

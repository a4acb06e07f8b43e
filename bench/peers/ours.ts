import { webhookSender } from "../events/load.ts";
import { makeApi } from "../run/api.ts";
import { startBenchRun } from "../run/bench-run.ts";
import { childrenOf } from "../run/process-times.ts";
import type { Peer } from "./peer.ts";

/** The local run: the functions are the product, and emulators stand for AWS. */
export const ours: Peer = {
  name: "Ackwire, local run",
  durability: "acked when SQS has it; the emulators keep everything in files",
  missing: undefined,
  async start(url) {
    const run = await startBenchRun({ speed: 1, settings: {}, keepsData: true });
    const { local, pid } = run;
    const { inboundUrl = "" } =
      local.connections.find(({ provider }) => provider === "linked-api") ?? {};
    const { secret } = await makeApi(local).call<{ secret: string }>("/v1/webhook", {
      method: "PUT",
      body: { url },
    });
    return {
      secret,
      send: webhookSender(inboundUrl),
      processes: () => [
        ...childrenOf(pid()).map((child) => ({ role: "product" as const, pid: child })),
        { role: "emulators", pid: pid(), isAlone: true },
      ],
      async killProduct() {
        // The local run starts new ones, as Lambda does.
        for (const child of childrenOf(pid())) process.kill(child, "SIGKILL");
      },
      close: () => run.close(),
    };
  },
};

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../local/loopback.ts";
import { runToEnd, startServer } from "../../test/support/processes.ts";
import { messageSender } from "./messages.ts";
import { missingVariables, newSecret, type Peer } from "./peer.ts";
import { startRedis } from "./redis.ts";

/** Versions that are installed if `BULLMQ_DIR` does not have them. */
const packages = ["bullmq@6.7.0", "ioredis@5.8.2"];
const product = fileURLToPath(new URL("./bullmq-product.ts", import.meta.url));

/** A small product on BullMQ: one process acks over HTTP, and delivers what is in the queue. */
export const bullmq: Peer = {
  name: "BullMQ + Redis",
  durability: "acked when Redis has it; its file is synced every second",
  missing: missingVariables(["REDIS_SERVER"]),
  async start(url) {
    const secret = newSecret();
    const directory = mkdtempSync(join(tmpdir(), "ackwire-bullmq-"));
    const modules = process.env.BULLMQ_DIR ?? directory;
    if (!existsSync(join(modules, "node_modules/bullmq"))) {
      writeFileSync(join(modules, "package.json"), '{"private":true}');
      await runToEnd(["npm", "install", "--no-audit", "--no-fund", ...packages], { cwd: modules });
    }
    const redis = await startRedis(directory);
    const port = await freePort();
    const env = {
      ...process.env,
      ...{ BULLMQ_DIR: modules, REDIS_PORT: String(redis.port), PORT: String(port) },
      ...{ WEBHOOK_URL: url, WEBHOOK_SECRET: secret },
    };
    const startProduct = () =>
      startServer([process.execPath, product], { port, cwd: directory, env });
    let running = await startProduct();
    return {
      secret,
      send: messageSender(`http://127.0.0.1:${port}/`, {}),
      processes: () => [
        { role: "product", pid: running.pid },
        { role: "store", pid: redis.pid },
      ],
      async killProduct() {
        await running.end("SIGKILL");
        running = await startProduct();
      },
      async close() {
        await running.end("SIGKILL");
        await redis.end();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "../../local/loopback.ts";
import { runToEnd, type Server, startServer } from "../../test/support/processes.ts";
import { messageSender } from "./messages.ts";
import { missingVariables, newSecret, type Peer } from "./peer.ts";
import { startRedis } from "./redis.ts";

const TENANT = "bench";
const API_KEY = "bench";

/**
 * Hookdeck Outpost with Redis, RabbitMQ and PostgreSQL, each with its default durability.
 * `OUTPOST_BIN` is the folder of the programs `outpost` and `outpost-server`, `POSTGRES_BIN` that of
 * `initdb` and `postgres`; `RABBITMQ_SERVER` and `REDIS_SERVER` are programs. Where root runs this,
 * PostgreSQL needs another user, whose number is `POSTGRES_UID`.
 */
export const outpost: Peer = {
  name: "Hookdeck Outpost",
  durability: "acked when RabbitMQ has confirmed it, on a durable queue",
  missing: missingVariables(["OUTPOST_BIN", "REDIS_SERVER", "RABBITMQ_SERVER", "POSTGRES_BIN"]),
  async start(url) {
    const secret = newSecret();
    const { OUTPOST_BIN = "" } = process.env;
    const directory = mkdtempSync(join(tmpdir(), "ackwire-outpost-"));
    const redis = await startRedis(directory);
    const rabbitmq = await startRabbitMq(directory);
    const postgres = await startPostgres();
    const port = await freePort();
    const env = {
      ...process.env,
      ...{ API_PORT: String(port), API_KEY, API_JWT_SECRET: "bench" },
      ...{ AES_ENCRYPTION_SECRET: "0123456789abcdef", TOPICS: "workflow.completed" },
      ...{ REDIS_HOST: "127.0.0.1", REDIS_PORT: String(redis.port) },
      RABBITMQ_SERVER_URL: `amqp://guest:guest@127.0.0.1:${rabbitmq.port}`,
      POSTGRES_URL: `postgres://outpost@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
      // As its configuration for development has them.
      ...{
        PUBLISH_MAX_CONCURRENCY: "1",
        DELIVERY_MAX_CONCURRENCY: "100",
        LOG_MAX_CONCURRENCY: "1",
      },
      ...{ LOG_BATCH_THRESHOLD_SECONDS: "1", LOG_LEVEL: "warn" },
      DESTINATIONS_WEBHOOK_MODE: "standard",
      // It would connect to its makers.
      DISABLE_TELEMETRY: "true",
    };
    const options = { cwd: directory, env };
    await runToEnd([join(OUTPOST_BIN, "outpost"), "migrate", "apply", "--yes"], options);
    const startProduct = () =>
      startServer([join(OUTPOST_BIN, "outpost-server")], { ...options, port });
    let running = await startProduct();
    const api = `http://127.0.0.1:${port}/api/v1`;
    await call(`${api}/tenants/${TENANT}`, "PUT", {});
    await call(`${api}/tenants/${TENANT}/destinations`, "POST", {
      ...{ type: "webhook", topics: ["workflow.completed"] },
      ...{ config: { url }, credentials: { secret } },
    });
    return {
      secret,
      send: messageSender(`${api}/publish`, {
        headers: { authorization: `Bearer ${API_KEY}` },
        wrap: (message) => ({
          ...{ id: message.id, tenant_id: TENANT, topic: message.type, data: message },
        }),
      }),
      processes: () => [
        { role: "product", pid: running.pid },
        { role: "broker", pid: rabbitmq.pid },
        { role: "store", pid: redis.pid },
        { role: "store", pid: postgres.pid },
      ],
      async killProduct() {
        await running.end("SIGKILL");
        running = await startProduct();
      },
      async close() {
        await running.end("SIGKILL");
        await redis.end();
        await postgres.end();
        await rabbitmq.end();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

async function call(url: string, method: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

async function startRabbitMq(directory: string): Promise<Server & { port: number }> {
  const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const { RABBITMQ_SERVER = "" } = process.env;
  const env = {
    ...process.env,
    HOME: directory,
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: "ackwire@localhost",
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(directory, "rabbitmq"),
    RABBITMQ_LOG_BASE: join(directory, "rabbitmq-log"),
    RABBITMQ_PID_FILE: join(directory, "rabbitmq.pid"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, "no-plugins"),
  };
  // Otherwise RabbitMQ starts one that outlives it.
  const epmd = await startServer(["epmd", "-address", "127.0.0.1", "-port", String(epmdPort)], {
    port: epmdPort,
    cwd: directory,
  });
  const server = await startServer([RABBITMQ_SERVER], { port, cwd: directory, env });
  return {
    ...server,
    port,
    async end() {
      await server.end();
      await epmd.end();
    },
  };
}

async function startPostgres(): Promise<Server & { port: number }> {
  const port = await freePort();
  const { POSTGRES_BIN = "", POSTGRES_UID } = process.env;
  const directory = mkdtempSync(join(tmpdir(), "ackwire-postgres-"));
  const uid = POSTGRES_UID === undefined ? undefined : Number(POSTGRES_UID);
  const data = join(directory, "data");
  mkdirSync(data);
  if (uid !== undefined) for (const path of [directory, data]) chownSync(path, uid, uid);
  const options = { cwd: directory, uid };
  await runToEnd(
    [join(POSTGRES_BIN, "initdb"), "-D", data, "-A", "trust", "-U", "outpost"],
    options,
  );
  const server = await startServer(
    [
      ...[join(POSTGRES_BIN, "postgres"), "-D", data, "-p", String(port)],
      ...["-c", "listen_addresses=127.0.0.1", "-k", dirname(data)],
    ],
    { ...options, port },
  );
  return {
    ...server,
    port,
    async end() {
      // A fast shutdown, which does not wait for its clients.
      await server.end("SIGINT");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

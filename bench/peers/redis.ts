import { freePort } from "../../local/loopback.ts";
import { type Server, startServer } from "../../test/support/processes.ts";

/** Starts the program of `REDIS_SERVER`, with an append-only file that is synced every second. */
export async function startRedis(directory: string): Promise<Server & { port: number }> {
  const port = await freePort();
  const { REDIS_SERVER = "" } = process.env;
  const server = await startServer(
    [
      ...[REDIS_SERVER, "--port", String(port), "--bind", "127.0.0.1", "--dir", directory],
      ...["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""],
    ],
    { port, cwd: directory },
  );
  return { ...server, port };
}

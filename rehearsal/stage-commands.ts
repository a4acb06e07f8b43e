import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const ackwire = resolve(import.meta.dirname, "../cli/bin.js");

interface Listed {
  items: Record<string, unknown>[];
}

/**
 * Uses the command `ackwire` as a platform engineer does with a stage: keys, a client, a connection
 * from files, lists, the story of an id, the audit, and the doctor.
 *
 * @param stage the name of a deployed stage
 * @param env the credentials of AWS, and `ACKWIRE_API_URL` where the stack's output is not reachable
 * @throws Error with the command and what it printed when one fails or answers something else
 */
export async function useStage(stage: string, env: NodeJS.ProcessEnv): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-stage-"));
  let ACKWIRE_OPERATOR_KEY: string | undefined;
  const run = async (...args: string[]): Promise<unknown> => {
    const all = [ackwire, ...args, "--stage", stage, "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, all, {
      cwd: directory,
      env: { ...env, ...(ACKWIRE_OPERATOR_KEY && { ACKWIRE_OPERATOR_KEY }) },
    });
    return JSON.parse(stdout);
  };
  const list = async (...args: string[]) => ((await run(...args)) as Listed).items;
  try {
    const key = await run("operator-keys", "create", "--name", "rehearsal", "--scope", "admin");
    ACKWIRE_OPERATOR_KEY = (key as { operatorKey: string }).operatorKey;
    const client = await run("clients", "create", "--name", "of the rehearsal");
    const { clientId } = client as { clientId: string };
    expectOf("clients", await list("clients"), ({ clientId: id }) => id === clientId);
    const created = await run("keys", "create", "--client", clientId, "--scopes", "read");
    const { keyId } = created as { keyId: string };
    expectOf("keys", await list("keys", "--client", clientId), (one) => one.keyId === keyId);
    writeFileSync(join(directory, "secret.txt"), "a secret of the rehearsal");
    writeFileSync(join(directory, "credentials.json"), '{"x-apikey":"a"}');
    const connection = await run(
      ...["connections", "create", "--client", clientId, "--provider", "we-link"],
      ...["--webhook-secret-file", "secret.txt", "--credentials-file", "credentials.json"],
    );
    const { connectionId } = connection as { connectionId: string };
    expectOf(
      "connections",
      await list("connections"),
      (one) => one.connectionId === connectionId && one.hasCredentials === true,
    );
    await run("connections", "pause", connectionId, "--why", "the rehearsal");
    const found = await list("find", connectionId);
    expectOf("find", found, (one) => one.kind === "connection" && one.status === "paused");
    await run("connections", "resume", connectionId, "--why", "the rehearsal");
    const audit = await list("audit", "--limit", "100");
    expectOf("audit", audit, (one) => one.action === "pauseConnection" && one.outcome === "done");
    const status = (await run("status")) as { queues: unknown[]; clients: number };
    if (status.clients === 0 || status.queues.length === 0) throw new Error("status shows nothing");
    expectOf("settings", await list("settings"), ({ isDefault }) => isDefault === false);
    expectOf("dlq", await list("dlq"), ({ queue }) => queue === "inbound");
    const [queue] = await list("queues");
    if (queue?.waiting !== 0) throw new Error(`a new stage has messages: ${JSON.stringify(queue)}`);
    for (const words of ["requests", "events", "deliveries", "webhook", "accounts", "lanes"]) {
      await list(words);
    }
    const checks = await list("doctor");
    expectOf(
      "doctor",
      checks,
      ({ check, outcome }) => check === "operator key" && outcome === "ok",
    );
    await run("keys", "revoke", keyId, "--client", clientId);
    await run("connections", "delete", "--client", clientId, "--connection", connectionId);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @throws Error with the list when no item of it is as expected */
function expectOf<T>(name: string, items: readonly T[], is: (item: T) => boolean): void {
  if (!items.some(is)) throw new Error(`ackwire ${name} answered ${JSON.stringify(items)}`);
}

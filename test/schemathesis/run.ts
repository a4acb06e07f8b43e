/**
 * Runs schemathesis (PyPI) at the whole API of a local run, and fails for a 5xx and for any
 * answer outside of docs/contracts/openapi.json. Says why it is skipped where there is no
 * Python 3.10 or no PyPI. Takes 90 s, and the start of the local run; random cases are drawn in
 * rounds until then, from a fixed seed.
 *
 *     npm run test:schemathesis -- [schemathesis's options, such as --max-time 600 --seed 7]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "../../local/loopback.ts";
import { type LocalRun, startLocalRun } from "../../local/run/run.ts";
import { runCommand } from "../support/processes.ts";
import { installPythonTool, programsOf } from "../support/python-tool.ts";

const here = import.meta.dirname;

/** Cases that are drawn at random for each operation and round. */
const MAX_EXAMPLES = "12";

/** Answers 204 to every webhook. */
async function startReceiver() {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(204).end());
  });
  const url = `http://${await listen(server, 0)}`;
  return { url, close: () => server.close() };
}

type Call = (method: string, path: string, body?: object) => Promise<Record<string, string>>;

function caller({ addresses, seed }: LocalRun): Call {
  return async (method, path, body) => {
    const response = await fetch(`${addresses.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${seed.apiKey}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return (await response.json()) as Record<string, string>;
  };
}

/** Values of parameters and bodies that are there: without them, most answers would be 404. */
async function knownValues(call: Call, { seed }: LocalRun, receiverUrl: string) {
  await call("PUT", "/v1/webhook", { url: `${receiverUrl}/first` });
  const { deliveryId, eventId } = await call("POST", "/v1/webhook/test");
  const { keyId } = await call("POST", "/v1/keys");
  const requests = await Promise.all(
    seed.accounts.map(({ provider, accountId }, n) => {
      const connectionId = seed.connections.find((one) => one.provider === provider)?.connectionId;
      const [action, params] =
        provider === "we-link"
          ? ["connect", { profile_id: "p" }]
          : ["st.sendMessage", { text: "t" }];
      const at = new Date(Date.now() + (n + 2) * 86_400_000).toISOString();
      const scheduled = n % 2 === 0 ? { scheduled: at } : {};
      return call("POST", "/v1/requests", {
        ...{ provider, accountId, action, params, connectionId, ...scheduled },
      });
    }),
  );
  const ids = (values: (string | undefined)[]) => values.filter((value) => value !== undefined);
  const connections = seed.connections.map(({ connectionId }) => connectionId);
  const requestIds = ids(requests.map(({ requestId }) => requestId));
  return {
    "path.requestId": requestIds,
    "path.workflowId": requestIds,
    "body.request_id": requestIds,
    "path.accountId": seed.accounts.map(({ accountId }) => accountId),
    "body.accountId": seed.accounts.map(({ accountId }) => accountId),
    "body.connectionId": connections,
    "query.connectionId": connections,
    "path.connectionId": connections,
    "path.keyId": ids([keyId]),
    "path.id": ids([deliveryId, eventId]),
    "body.deliveryId": ids([deliveryId]),
  };
}

function configuration(values: Record<string, readonly string[]>): string {
  const entries = Object.entries(values);
  const dictionaries = entries.map(
    ([, known], n) => `[dictionaries.known${n}]\nvalues = ${JSON.stringify(known)}\n`,
  );
  const parameters = entries.map(
    ([name], n) => `"${name}" = { dictionary = "known${n}", probability = 0.6 }`,
  );
  const [head = "", ...rest] = readFileSync(join(here, "schemathesis.toml"), "utf8").split(
    /^(?=\[)/m,
  );
  return [head, ...dictionaries, "[parameters]", ...parameters, "", ...rest].join("\n");
}

/** Prints what each operation answered, and marks those that never succeeded. */
function report(file: string): void {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const answers: Record<string, Record<string, number>> = Object.assign(
    {},
    ...lines.map((line) => JSON.parse(line)),
  );
  for (const [operation, counts] of Object.entries(answers).sort()) {
    const texts = Object.entries(counts).map(([status, count]) => `${count} × ${status}`);
    const isReached = Object.keys(counts).some((status) => status.startsWith("2"));
    console.log(`${isReached ? " " : "!"} ${operation}: ${texts.sort().join(", ")}`);
  }
  console.log("! no call of this operation was answered 2xx");
}

/** Connections last: with several of a provider, a call that names none is ambiguous. */
const passes = [
  ["--exclude-tag", "Connections", "--max-time", "75"],
  ["--include-tag", "Connections", "--max-time", "15"],
];

async function main(): Promise<number> {
  const missing = await installPythonTool("schemathesis", join(here, "requirements.txt"));
  if (missing !== undefined) {
    console.log(`schemathesis: skipped, because ${missing}`);
    return 0;
  }
  const directory = mkdtempSync(join(tmpdir(), "ackwire-schemathesis-"));
  const receiver = await startReceiver();
  const local = await startLocalRun({
    ...{ port: 0, awsPort: 0, consolePort: 0, providerPort: 0, speed: 1, demo: false },
    settings: { paceMinSeconds: "0", paceMaxSeconds: "0" },
    runDirectory: join(directory, "run"),
    print: (line) => console.log(line),
  });
  try {
    const call = caller(local);
    const file = join(directory, "schemathesis.toml");
    writeFileSync(file, configuration(await knownValues(call, local, receiver.url)));
    const answers = join(directory, "answers.json");
    const account = local.seed.accounts.find((one) => one.identificationToken !== undefined);
    const { apiUrl } = local.addresses;
    const env = {
      ...process.env,
      PYTHONIOENCODING: "utf-8",
      ACKWIRE_HOOKS: join(here, "hooks.py"),
      ACKWIRE_RECEIVER: receiver.url,
      ACKWIRE_ANSWERS: answers,
      ACKWIRE_API: apiUrl,
      ACKWIRE_API_KEY: local.seed.apiKey,
      ACKWIRE_KEY_ID: local.seed.keyId,
      ACKWIRE_KEY_SECRET: local.seed.keySecret,
      ACKWIRE_IDENTIFICATION_TOKEN: account?.identificationToken ?? "",
    };
    let failedCount = 0;
    for (const pass of passes) {
      const { exitCode } = await runCommand(
        join(programsOf("schemathesis"), "schemathesis"),
        [
          ...["--config-file", file, "run", `${apiUrl}/openapi.json`, "--url", apiUrl, ...pass],
          ...["--max-examples", MAX_EXAMPLES, "--no-color", "--warnings", "off"],
          ...process.argv.slice(2),
        ],
        // Its database of examples would make each run differ from the one before.
        { cwd: directory, env, isShown: true },
      );
      if (exitCode !== 0) failedCount++;
    }
    report(answers);
    // With a key that was revoked meanwhile, every answer would have been a valid 401.
    await call("GET", "/v1/events");
    return failedCount === 0 ? 0 : 1;
  } finally {
    await local.close();
    receiver.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();

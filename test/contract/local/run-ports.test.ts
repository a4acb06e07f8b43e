import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { closeServer, listen } from "../../../local/loopback.ts";
import { parseOptions } from "../../../local/run/options.ts";
import { choosePorts } from "../../../local/run/run-ports.ts";

const runOnFreePorts = { port: 8787, awsPort: 0, consolePort: 0, providerPort: 0 };

test("A requested port is used, 0 becomes a free port, and all ports differ", async () => {
  const { run: ports } = await choosePorts(runOnFreePorts);
  expect(ports.api).toBe(8787);
  expect(new Set(Object.values(ports)).size).toBe(4);
  for (const port of [ports.aws, ports.console, ports.provider]) {
    const server = createServer();
    onTestFinished(() => closeServer(server));
    expect(await listen(server, port)).toBe(`127.0.0.1:${port}`);
  }
});

test("Debugged functions get free ports that no other part of the run has", async () => {
  const inspect = new Map([
    ["consume", 0],
    ["ingest", 0],
  ] as const);
  const { run, inspectors } = await choosePorts({ ...runOnFreePorts, inspect });
  expect([...inspectors.keys()]).toEqual(["consume", "ingest"]);
  expect(new Set([...Object.values(run), ...inspectors.values()]).size).toBe(6);
});

test("An inspector port that the run itself listens on is refused", async () => {
  const inspect = new Map([["consume", 8787]] as const);
  await expect(choosePorts({ ...runOnFreePorts, inspect })).rejects.toThrow(
    "--inspect consume cannot take port 8787: the run itself listens on it",
  );
});

test.each([
  [["--inspect", "consume", "--inspect", "ingest"], { consume: 9229, ingest: 9230 }],
  [["--inspect", "consume=9229", "--inspect", "ingest"], { consume: 9229, ingest: 9230 }],
  [["--inspect", "ingest", "--inspect", "consume=9229"], { ingest: 9230, consume: 9229 }],
  [["--inspect", "ingest", "--port", "9229"], { ingest: 9230 }],
])("%j debugs on %j: a default port is one that nothing else was given", (args, ports) => {
  const options = parseOptions(args);
  expect(options).not.toBe("help");
  if (options !== "help") expect(Object.fromEntries(options.inspect ?? [])).toEqual(ports);
});

test("The lag of the indexes is a number of milliseconds", () => {
  expect(parseOptions(["--index-lag", "1500"])).toMatchObject({ indexLagMs: 1_500 });
  expect(parseOptions([])).toMatchObject({ indexLagMs: 0 });
  for (const text of ["-1", "1.5", "x", "60001"]) {
    expect(() => parseOptions([`--index-lag=${text}`])).toThrow(
      `--index-lag takes milliseconds from 0 to 60000, not "${text}"`,
    );
  }
});

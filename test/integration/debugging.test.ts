import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { startLocalRun } from "../../local/run/run.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { attachBusConsumer } from "../support/fakes/bus-consumer.ts";
import { deliver } from "../support/fakes/sender.ts";
import {
  attachDebugger,
  type CallFrame,
  generatedLocation,
  generatedName,
} from "../support/runs/debugger.ts";
import { editedAssembly, withoutVariable } from "../support/runs/edited-assembly.ts";
import { startLocalProcess } from "../support/runs/local-process.ts";
import { lineOf } from "../support/runs/source-positions.ts";

const root = resolve(import.meta.dirname, "../..");

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-debugging-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const publisher = "shared/adapters/eventbridge-publisher.ts";

test("A debugger stops consume at a line of a TypeScript file, reads a variable and resumes, and the webhook is published", async () => {
  const run = await startLocalProcess(temporaryDirectory(), [
    "--no-demo",
    ...["--inspect", "consume=0"],
  ]);
  try {
    const announced = run.lines.join("\n").match(/inspector +(http:\/\/\S+) .*consume/);
    const inspector = await attachDebugger(announced?.[1] ?? "");
    const line = lineOf(publisher, "await client.send(command)");
    const location = generatedLocation(inspector, publisher, line);
    await inspector.send("Debugger.setBreakpointByUrl", location);

    const { local } = run;
    const consumer = await attachBusConsumer({ awsUrl: local.awsEndpoint, busName: local.busName });
    const connection = local.connections.find(({ provider }) => provider === "we-link");
    const paused = inspector.next<{ callFrames: CallFrame[] }>("Debugger.paused");
    const body = signWeLink(
      { status: "SUCCESS", request_id: "debugged", result: {} },
      connection?.secret ?? "",
    );
    const attempts = await deliver(connection?.inboundUrl ?? "", body);
    expect(attempts.at(-1)).toMatchObject({ status: 200 });

    const [frame] = (await paused).callFrames;
    const evaluate = async (expression: string) => {
      const { result } = await inspector.send<{ result: { value: unknown } }>(
        "Debugger.evaluateOnCallFrame",
        { callFrameId: frame?.callFrameId, expression, returnByValue: true },
      );
      return String(result.value);
    };
    const batch = generatedName(inspector, { file: publisher, line, name: "batch" });
    expect(await evaluate(`${batch}.length`)).toBe("1");
    expect(await evaluate(`${batch}[0].detail`)).toContain('"workflowId":"debugged"');
    expect(await evaluate("new Error('here').stack")).toMatch(
      new RegExp(`${publisher}:${line}:\\d+`),
    );
    expect(consumer.ids()).toEqual([]);

    await inspector.send("Debugger.resume");
    const [event] = await consumer.collect(1);
    expect(event?.detail.data).toMatchObject({ workflowId: "debugged", status: "completed" });
    inspector.close();
  } finally {
    expect(await run.end("SIGTERM")).toBe(0);
  }
});

test("A local run stops while a function waits at a breakpoint", async () => {
  const run = await startLocalProcess(temporaryDirectory(), [
    "--no-demo",
    ...["--inspect", "ingest=0"],
  ]);
  const url = run.lines.join("\n").match(/inspector +(http:\/\/\S+) .*ingest/)?.[1] ?? "";
  const inspector = await attachDebugger(url);
  await inspector.send("Debugger.pause");
  const paused = inspector.next("Debugger.paused");
  const post = fetch(run.local.connections[0]?.inboundUrl ?? "", { method: "POST", body: "{}" });
  const answered = post.catch(() => undefined);
  await paused;
  expect(await run.end("SIGTERM")).toBe(0);
  await answered;
});

test("The log of a function names the TypeScript file and line at which an error was thrown", async () => {
  const runDirectory = temporaryDirectory();
  const printed: string[] = [];
  const starting = startLocalRun({
    ...{ port: 0, awsPort: 0, consolePort: 0, providerPort: 0 },
    ...{ speed: 1, settings: {}, demo: false },
    runDirectory,
    assemblyDir: editedAssembly(withoutVariable("AckwireIngest", "INBOUND_QUEUE_URL")),
    print: (line) => printed.push(line),
  });
  await expect(starting).rejects.toThrow("INBOUND_QUEUE_URL");
  const line = lineOf("shared/runtime/environment.ts", "throw new Error(");
  for (const log of [
    printed.join("\n"),
    readFileSync(join(runDirectory, "functions.log"), "utf8"),
  ]) {
    expect(log).toMatch(
      new RegExp(`at readEnvironment \\(\\S+/shared/runtime/environment\\.ts:${line}:\\d+\\)`),
    );
    expect(log).toMatch(/at \S.*\/functions\/ingest\/\w+\.ts:\d+:\d+/);
  }
});

test("Each source that a bundle of the local run names is a file of the repository, and none is a dependency", () => {
  const maps = globSync(join(inject("assemblyDir"), "asset.*/handler.js.map"));
  expect(maps).toHaveLength(7);
  for (const map of maps) {
    const { sources } = JSON.parse(readFileSync(map, "utf8")) as { sources: string[] };
    expect(sources.length).toBeGreaterThan(10);
    for (const source of sources) {
      const file = resolve(root, ".ackwire/assembly/asset", source);
      expect(existsSync(file), source).toBe(true);
      expect(source).not.toContain("node_modules");
    }
  }
});

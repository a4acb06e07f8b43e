import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { writeLocalFile } from "../../local/run/local-file.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { callWaitOptions } from "../support/wait-timeout.ts";

/* examples/consumer.ts, as a process of its own in the folder of a local run. */

const root = join(import.meta.dirname, "../..");

let directory: string;
let run: TestRun;
let consumer: ChildProcess;
let output = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ackwire-consumer-"));
  run = await startTestRun({ speed: 1 });
  writeLocalFile(join(directory, ".ackwire/local.json"), run);
  consumer = spawn(process.execPath, [join(root, "examples/consumer.ts")], { cwd: directory });
  for (const stream of [consumer.stdout, consumer.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
});

afterAll(async () => {
  consumer?.kill();
  await run?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("The consumer of the examples prints the events of the bus", async () => {
  await vi.waitFor(() => expect(output).toContain("are printed here"), callWaitOptions);
  const trigger = [join(root, "cli/bin.js"), "trigger", "message.reply"];
  const { stdout } = await promisify(execFile)(process.execPath, trigger, { cwd: directory });
  const id = /message\.reply:\S+/.exec(stdout)?.[0];
  expect(id).toBeDefined();
  await vi.waitFor(() => expect(output).toContain(`message.reply ${id}\n`), callWaitOptions);
});

import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { closeServer, listen } from "../../../local/loopback.ts";
import { chooseRunPorts } from "../../../local/run/run-ports.ts";

test("A requested port is used, 0 becomes a free port, and all ports differ", async () => {
  const ports = await chooseRunPorts({ port: 8787, awsPort: 0, consolePort: 0, providerPort: 0 });
  expect(ports.api).toBe(8787);
  expect(new Set(Object.values(ports)).size).toBe(4);
  for (const port of [ports.aws, ports.console, ports.provider]) {
    const server = createServer();
    onTestFinished(() => closeServer(server));
    expect(await listen(server, port)).toBe(`127.0.0.1:${port}`);
  }
});

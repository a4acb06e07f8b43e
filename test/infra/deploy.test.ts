import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Template } from "aws-cdk-lib/assertions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeApp } from "./synth.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let server: Server;
/** The template of the deployed stack; none: it does not exist; "denied": it may not be read. */
let deployed: object | "denied" | undefined;
/** The operations that were called. */
const operations: string[] = [];

/** Answers `GetTemplate` as CloudFormation does: the query protocol, XML. */
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const operation = new URLSearchParams(body).get("Action") ?? "";
    // The CDK's CLI asks for the account before each synthesis.
    if (operation !== "GetCallerIdentity") operations.push(operation);
    if (deployed === "denied") {
      response.writeHead(403, { "content-type": "text/xml" });
      response.end(
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>",
      );
      return;
    }
    if (deployed === undefined) {
      response.writeHead(400, { "content-type": "text/xml" });
      response.end(
        "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id ackwire-dev does not exist</Message></Error></ErrorResponse>",
      );
      return;
    }
    const text = JSON.stringify(deployed).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    response.writeHead(200, { "content-type": "text/xml" });
    response.end(
      `<GetTemplateResponse><GetTemplateResult><TemplateBody>${text}</TemplateBody></GetTemplateResult></GetTemplateResponse>`,
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server?.close());

async function run(...args: string[]) {
  operations.length = 0;
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, ["infra/deployment/deploy.ts", ...args], {
    cwd: root,
    env: {
      ...process.env,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      CDK_VALIDATION: "false",
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  const [exitCode] = await once(child, "close");
  return { exitCode: Number(exitCode), output };
}

const dev = (context: Record<string, unknown>) =>
  Template.fromStack(makeApp({ stage: "dev", ...context }).stack).toJSON();

test("A stage that does not exist yet is said to be created", async () => {
  deployed = undefined;
  const { exitCode, output } = await run("diff");
  expect([exitCode, operations]).toEqual([0, ["GetTemplate"]]);
  expect(output).toContain("ackwire-dev does not exist yet and is created.");
});

test("A deployment that removes the domain and the addresses of alarms is refused before anything is deployed", async () => {
  deployed = dev({
    paceMinSeconds: 60,
    alarmEmail: "ops@example.com",
    domainName: "hooks.example.com",
    certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
  });
  const { exitCode, output } = await run("deploy", "-c", "paceMinSeconds=45");
  expect([exitCode, operations]).toEqual([1, ["GetTemplate"]]);
  expect(output).toContain("  paceMinSeconds changes from 60 to 45.");
  expect(output).toContain("! The domain hooks.example.com is removed");
  expect(output).toContain('! The subscription of "ops@example.com" is removed');
  expect(output).toContain(
    "ackwire-dev is not deployed. Put back what is missing, or add --allow-removal.",
  );
});

test("An invalid value ends the command before anything is compared", async () => {
  const { exitCode, output } = await run("diff", "-c", "paceMinSeconds=x");
  expect([exitCode, operations]).toEqual([1, []]);
  expect(output).toContain("paceMinSeconds: got");
});

test("A stack that cannot be read ends the command with what to check, and without a stack trace", async () => {
  deployed = "denied";
  const { exitCode, output } = await run("deploy");
  expect([exitCode, operations]).toEqual([1, ["GetTemplate"]]);
  expect(output).toContain("cannot be read, so that nothing is compared or deployed");
  expect(output).toContain("Check the credentials and the region (AWS_REGION, --profile).");
  expect(output).not.toMatch(/^ +at /m);
});

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { Reader, type Scene, startScene } from "./scene.ts";

let scene: Scene;

/** The page of a client's product, with the portal in a frame. */
let embedded = "";
const product = createServer((_, response) => {
  response.setHeader("content-type", "text/html");
  response.end(
    `<!doctype html><title>Product</title><iframe width="1000" height="700" src="${embedded}"></iframe>`,
  );
});
const originOf = (host: string) => `http://${host}:${(product.address() as AddressInfo).port}`;

beforeAll(async () => {
  await new Promise<void>((isListening) => product.listen(0, "127.0.0.1", isListening));
  // The console is on 127.0.0.1: for the browser, localhost is another site.
  scene = await startScene({ consoleFrameAncestors: [originOf("localhost")] });
});

afterAll(async () => {
  await scene?.close();
  product.closeAllConnections();
  product.close();
});

/** A second client, with a connection of its own. */
async function otherClient() {
  const { addresses, outputs, clock } = scene.run;
  const administration = await composeAdministration({
    aws: localAws(addresses.awsUrl),
    outputs,
    nowMs: clock.now,
  });
  const { clientId } = await administration.createClient("the other client");
  const { connectionId } = await administration.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: "the secret of the other client",
    settings: {},
  });
  return { clientId, connectionId };
}

test("A portal link shows the records of one client, and none of another", async () => {
  const other = await otherClient();
  const { clientId } = scene.run.seed;
  scene.run.simulator.send("we-link", { status: "SUCCESS", request_id: "mine-1", result: {} });

  const operator = await Reader.open(scene, { permissions: ["clipboard-read", "clipboard-write"] });
  await operator.goto(`/clients/${other.clientId}`);
  await operator.does("Portal link", { why: "They asked for it" });
  await operator.click(operator.button("Copy the link"));
  const link = await operator.page.evaluate<string>("navigator.clipboard.readText()");
  expect(link).toContain("#ackwire_portal_");
  expect(await operator.page.content()).not.toContain(link.split("#")[1]);
  await operator.close();

  const client = await Reader.open(scene);
  await client.goto(`/portal#${link.split("#")[1]}`);
  await client.sees("the other client");
  // The token is no longer in the address, and nowhere on the page.
  expect(client.page.url()).not.toContain("ackwire_portal_");
  for (const path of [
    "",
    "requests",
    "accounts",
    "events",
    "webhooks",
    "deliveries",
    "connections",
    "schedules",
  ]) {
    await client.goto(`/${path}`);
    expect(await client.page.locator("main").innerText(), path).not.toContain(clientId);
  }
  await client.goto("/connections");
  await client.page.getByTitle(other.connectionId).first().waitFor();
  // What another client has is not found, whoever knows its id.
  await client.goto(`/find/${clientId}`);
  expect(await client.page.locator("main").innerText()).not.toMatch(/Created|What it has/);
  // Nothing but to look and to resend.
  await client.goto(`/connections/${other.connectionId}`);
  await client.sees("How it verifies webhooks");
  expect(await client.button("Rotate the secret").count()).toBe(0);
  expect(await client.button("Pause").count()).toBe(0);
  await client.close();
});

test("The portal is shown in a page of an origin that is allowed, and in no other page", async () => {
  const { consoleUrl } = scene.run.addresses;
  const { token } = await scene.api("POST", "/v1/portal-link");
  embedded = `${consoleUrl}/portal#${token}`;

  const allowed = await Reader.open(scene);
  await allowed.page.goto(originOf("localhost"));
  const frame = allowed.page.frameLocator("iframe");
  await frame.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await frame.getByRole("link", { name: "Deliveries" }).first().click();
  await frame.getByRole("heading", { level: 1, name: "Deliveries" }).waitFor();
  await allowed.close();

  const refused = await Reader.open(scene);
  await refused.page.goto(originOf("127.0.0.1"));
  await vi.waitFor(() => expect(refused.errors.join()).toContain("frame-ancestors"));
  const links = refused.page.frameLocator("iframe").getByRole("link", { name: "Deliveries" });
  expect(await links.count()).toBe(0);
  await refused.page.context().close();
});

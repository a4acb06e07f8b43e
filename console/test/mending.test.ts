import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { callWaitOptions } from "../../test/support/wait-timeout.ts";
import { Reader, type Scene, startScene } from "./scene.ts";

let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
});

afterAll(() => scene?.close());

/** Makes a request of the first account of We-Link. @returns its id */
async function connect(profile: string): Promise<string> {
  const account = scene.run.seed.accounts.find(({ provider }) => provider === "we-link");
  const { requestId } = await scene.api("POST", "/v1/requests", {
    provider: "we-link",
    accountId: account?.accountId,
    action: "connect",
    params: { profile_id: profile },
  });
  return String(requestId);
}

describe("The newcomer's path", () => {
  test("A webhook is fired on the simulator's page, and its event appears", async () => {
    const reader = await Reader.open(scene);
    await reader.overview();
    await reader.click(reader.link("Simulator"));
    await reader.page.getByLabel("Body").fill(
      JSON.stringify({
        status: "SUCCESS",
        request_id: "newcomer-1",
        result: { connected: true },
      }),
    );
    await reader.click(reader.button("Send"));
    await reader.click(reader.link("Events").last());
    await reader.sees("workflow.completed");
    await reader.click(
      reader.page.getByRole("table", { name: "Events" }).getByRole("link").first(),
    );
    await reader.sees(/newcomer-1/);
    await reader.close();
  });

  test("A request of one's own succeeds, and its story says how; it is found by its id", async () => {
    const requestId = await connect("p-1");
    const reader = await Reader.open(scene);
    await reader.overview();
    await reader.page.getByLabel("Find anything by its id").fill(requestId);
    await reader.page.keyboard.press("Enter");
    await reader.sees(requestId);
    await reader.click(reader.link("Open"));
    await reader.sees("SUCCEEDED");
    await reader.sees("Its story");
    await reader.close();
  });
});

describe("Mended from the console", () => {
  test("A failed delivery is found and sent again, with the same bytes", async () => {
    let isDown = true;
    const endpoint = scene.receiver.endpoint(() =>
      isDown ? { status: 500, body: "locked" } : 204,
    );
    await scene.api("PUT", "/v1/webhook", { url: endpoint.url });
    scene.run.simulator.send("we-link", { status: "SUCCESS", request_id: "failed-1", result: {} });
    await vi.waitFor(async () => {
      const { items } = await scene.api("GET", "/v1/deliveries?status=failed");
      expect(items).not.toEqual([]);
    }, callWaitOptions);

    const reader = await Reader.open(scene);
    await reader.goto("/deliveries?status=failed");
    await reader.click(
      reader.page.getByRole("table", { name: "Deliveries" }).getByRole("link").first(),
    );
    await reader.sees("It failed for good");
    await reader.sees("locked");
    isDown = false;
    await reader.does("Resend");
    await reader.sees("HTTP 204");
    const [first, last] = [endpoint.posts.at(0), endpoint.posts.at(-1)];
    expect([last?.id, last?.body]).toEqual([first?.id, first?.body]);
    await reader.close();
    await scene.api("DELETE", "/v1/webhook");
  });

  test("A connection that its provider's refusal paused is found, and its request goes on", async () => {
    await scene.providersDo({ scripts: [{ on: "submission", status: 401, body: {} }] });
    const requestId = await connect("p-2");
    const reader = await Reader.open(scene);
    await reader.overview();
    const need = reader.need(/is paused/);
    await need.waitFor();
    await scene.providersDo({});
    await reader.click(need.getByRole("link", { name: "Show" }));
    await reader.sees("Paused: the provider refused its credentials");
    await reader.does("Set credentials", {
      // We-Link refuses a call without one of them.
      fill: async (dialog) => {
        await dialog.getByRole("button", { name: "Another header" }).click();
        for (const [place, header] of ["x-api-key", "x-api-secret"].entries()) {
          await dialog.getByLabel("Header", { exact: true }).nth(place).fill(header);
          await dialog.locator("input[type=password]").nth(place).fill("a new one");
        }
      },
      why: "The old key was revoked",
    });
    await reader.page.getByText("active", { exact: true }).first().waitFor();
    await reader.goto(`/requests/${requestId}`);
    await reader.sees("SUCCEEDED");
    await reader.close();
  });

  test("A forged webhook is found, with the address that it came from", async () => {
    const connection = scene.run.seed.connections.find(({ provider }) => provider === "we-link");
    const url = `${scene.run.addresses.apiUrl}${connection?.inboundPath}`;
    const forged = JSON.stringify({ status: "SUCCESS", request_id: "f", result: {}, hash: "00" });
    expect((await fetch(url, { method: "POST", body: forged })).status).toBe(401);
    const reader = await Reader.open(scene);
    await reader.overview();
    const need = reader.need(/refused/);
    await need.waitFor();
    await reader.click(need.getByRole("link", { name: "Show" }));
    await reader.sees(/127\.0\.0\.1/);
    await reader.close();
  });

  test("A dead letter is moved back, and processed", async () => {
    const { run } = scene;
    const { connectionId = "", provider } =
      run.seed.connections.find((one) => one.provider === "we-link") ?? {};
    const body = { status: "SUCCESS", request_id: "redriven-1", result: {} };
    const message = {
      ...{ v: 1, provider, clientId: run.seed.clientId, connectionId },
      receivedAtMs: Date.now(),
      bodyBase64: Buffer.from(JSON.stringify(body)).toString("base64"),
    };
    const sqs = new SQSClient(localAws(run.addresses.awsUrl));
    const QueueUrl = run.outputs.InboundDlqUrl;
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));
    sqs.destroy();
    const reader = await Reader.open(scene);
    await reader.overview();
    await reader.click(reader.need(/could not be processed/).getByRole("link", { name: "Show" }));
    await reader.click(
      reader.page.getByRole("table", { name: "Dead letters" }).getByRole("link").first(),
    );
    await reader.sees("redriven-1");
    await reader.does("Redrive");
    await vi.waitFor(async () => {
      const { items } = await scene.api("GET", "/v1/events?limit=100");
      expect(JSON.stringify(items)).toContain("redriven-1");
    }, callWaitOptions);
    await reader.close();
  });

  test("Of many dead letters of schedules some are moved at once, and it is said how many remain", async () => {
    const reader = await Reader.open(scene);
    const { page } = reader;
    const queue = "requestSchedule";
    await page.route(`**/dead-letters/${queue}/messages`, (route) =>
      route.fulfill({ json: { items: [], messages: 1_200 } }),
    );
    await page.route(`**/dead-letters/${queue}/redrive`, (route) =>
      route.fulfill({ status: 202, json: { queue, messages: 500 } }),
    );
    await reader.goto(`/dead-letters/${queue}`);
    await reader.does("Redrive all", {
      fill: (dialog) => dialog.getByText("There are 1200. About 500 at most").waitFor(),
    });
    await reader.sees("500 are moved. 700 remain");
    await reader.close();
  });
});

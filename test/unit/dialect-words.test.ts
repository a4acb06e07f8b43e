import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { remedies } from "../../shared/contracts/failures.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import { hook, makeWebhookApi } from "../support/fakes/webhook-api.ts";
import { filesBelow, root } from "../support/tree.ts";

/** A call of Ackwire's own API, or one of the methods that only it has. */
const nativeCall = /\/v1\/(?!\{)|\b(PUT|PATCH)\b/;

describe("A dialect's errors use the words of its own protocol", () => {
  const dialects = Object.values(providerPacks).flatMap(({ id, dialect }) =>
    dialect ? [{ id, dialect }] : [],
  );

  test.each(dialects)(
    "Every remedy of $id is without a call of Ackwire's own API",
    ({ dialect }) => {
      for (const remedy of remedies) {
        const detail = "use PATCH /v1/webhook";
        const body = dialect.errorBody({ code: "CONFLICT", detail, remedy });
        expect(JSON.stringify(body), remedy).not.toMatch(nativeCall);
      }
    },
  );

  test("Every failure of the core whose text names a call of Ackwire's own API has a remedy", () => {
    const named = filesBelow("shared/core", ".ts").flatMap((file) => {
      const lines = readFileSync(`${root}/${file}`, "utf8").split("\n");
      return lines.flatMap((line, n) =>
        /^\s*(\/\/|\*|\/\*)/.test(line) ||
        !/["`].*(PUT|PATCH|POST|GET|DELETE) ?(\/v1|["`])/.test(line)
          ? []
          : [{ at: `${file}:${n + 1}`, near: lines.slice(n, n + 5).join("\n") }],
      );
    });
    const ofRoutes = /method: "|routeKey/;
    const failing = named.filter(({ near }) => !ofRoutes.test(near));
    expect(failing.length).toBeGreaterThanOrEqual(4);
    expect(
      failing.filter(({ near }) => !/remedy|"\w+(Account|Connection|Webhook)"/.test(near)),
    ).toEqual([]);
  });
});

describe("A webhook that was disabled, in Linked API's protocol", () => {
  async function withDisabled() {
    const api = makeWebhookApi();
    const { body } = await api.call("POST /admin/webhook.set", { body: hook });
    await api.call("PATCH /v1/webhook", { body: { status: "disabled" } });
    return { ...api, webhook: body.result.webhook };
  }

  test("sendTest and replayDelivery name the call by which it is set again", async () => {
    const { call, haveDelivery } = await withDisabled();
    const { deliveryId } = await haveDelivery({ eventId: "e:1", status: "failed" });
    const answers = [
      await call("POST /admin/webhook.sendTest"),
      await call("POST /admin/webhook.replayDelivery", { body: { deliveryId } }),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 409,
        body: {
          error: { type: "webhookDisabled", message: expect.stringContaining("webhook.set") },
        },
      });
      expect(JSON.stringify(answer)).not.toMatch(nativeCall);
    }
  });

  test("webhook.set sets it again", async () => {
    const { call, webhook } = await withDisabled();
    const set = await call("POST /admin/webhook.set", { body: hook });
    expect(set).toMatchObject({ status: 200, body: { result: { webhook: { isActive: true } } } });
    expect(set.body.result.webhook.id).not.toBe(webhook.id);
    expect(await call("POST /admin/webhook.sendTest")).toMatchObject({ status: 200 });
  });

  test("webhook.set names the call that makes room for it while a webhook is active", async () => {
    const { call } = makeWebhookApi();
    await call("POST /admin/webhook.set", { body: hook });
    const other = { url: "https://other.example.com/hooks" };
    const answer = await call("POST /admin/webhook.set", { body: other });
    expect(answer.body.error).toEqual({
      type: "webhookAlreadyExists",
      message: expect.stringContaining("webhook.delete"),
    });
    expect(JSON.stringify(answer)).not.toMatch(nativeCall);
  });
});

import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import {
  hasSettings,
  type NewWebhook,
  parseChangedUrl,
  parseWebhookSettings,
  viewOf,
  type WebhookSettings,
  withChange,
} from "../../shared/core/deliveries/webhooks/webhook-settings.ts";
import { webhookRecord } from "../support/payloads/delivery-records.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const targets = { ports: [443, 8_443], allowsLocal: false, refusedPorts: [] };
const url = "https://hooks.example.com/in";
const ownHost = "must not be this API itself: each delivery would cause the next";
const refusalOf = (...errors: [field: string, message: string][]) => ({
  code: "REQUEST_INVALID",
  errors: errors.map(([field, message]) => ({ field, message })),
});

/** What a call throws, which is an error about some fields. */
function refusalBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return "nothing was thrown";
}

describe("The settings of a new webhook", () => {
  test("They have defaults, and no more than what is given", () => {
    expect(parseWebhookSettings({ url: "HTTPS://Hooks.example.com" }, targets)).toStrictEqual({
      ...{ url: "https://hooks.example.com/", payloadMode: "fat", format: "standard" },
      hashFormat: "hmac-hex",
    });
  });

  test("What is given is kept, also an empty description", () => {
    const given: NewWebhook = {
      ...{ url, payloadMode: "thin", format: "we-link", hashFormat: "jwt" },
      ...{ eventTypes: ["message.reply"], description: "", signedAs: "we-link" },
    };
    const settings = parseWebhookSettings(given, targets);
    expect(settings).toStrictEqual(given);
    expect(settings.eventTypes).not.toBe(given.eventTypes);
  });

  test.each<[NewWebhook, ...[field: string, message: string][]]>([
    [{ url: "ftp://x" }, ["url", "must be https; got ftp"]],
    [{ url, hashFormat: "jwt" }, ["hashFormat", "must be absent: format standard has no hash"]],
    [
      { url, format: "we-link", eventTypes: ["account.*", "message.reply", "workflow.created"] },
      ["eventTypes", "are not carried by format we-link: account.*, workflow.created"],
    ],
    [
      { url: "ftp://x", hashFormat: "jwt" },
      ["url", "must be https; got ftp"],
      ["hashFormat", "must be absent: format standard has no hash"],
    ],
  ])("%j is refused, and every wrong field is named", (given, ...errors) => {
    const refusal = refusalBy(() => parseWebhookSettings(given, targets));
    expect(refusal).toMatchObject(refusalOf(...errors));
  });

  test.each([
    ["https://api.example.com", "https://api.example.com/in", true],
    ["https://api.example.com.", "https://API.example.com:443/in", true],
    ["https://api.example.com:8443", "https://api.example.com/in", false],
    ["https://api.example.com", "https://api.example.com:8443/in", false],
    ["https://api.example.com", "https://hooks.example.com/in", false],
    ["", "https://api.example.com/in", false],
    [undefined, "https://api.example.com/in", false],
  ])("An API at %j may not be told to call %s: %s", (origin, target, isOwn) => {
    const refusal = refusalBy(() => parseWebhookSettings({ url: target, origin }, targets));
    if (isOwn) expect(refusal).toMatchObject(refusalOf(["url", ownHost]));
    else expect(refusal).toBe("nothing was thrown");
    const changing = refusalBy(() => parseChangedUrl({ url: target, origin }, targets));
    if (isOwn) expect(changing).toMatchObject(refusalOf(["url", ownHost]));
    else expect(changing).toBe("nothing was thrown");
  });
});

test("The URL of a change is returned as it is stored, and none where it does not change", () => {
  expect(parseChangedUrl({}, targets)).toBeUndefined();
  expect(parseChangedUrl({ url: "https://B.example.com" }, targets)).toBe("https://b.example.com/");
  const refusal = refusalBy(() => parseChangedUrl({ url: "http://b.example.com" }, targets));
  expect(refusal).toMatchObject(refusalOf(["url", "must be https; got http"]));
});

describe("Whether a webhook has exactly these settings", () => {
  const settings: WebhookSettings = {
    ...{ url, payloadMode: "fat", format: "we-link", hashFormat: "jwt", description: "CRM" },
    eventTypes: ["workflow.*", "message.reply"],
  };
  const webhook = webhookRecord({ ...settings, signedAs: "we-link" });

  test("The order of the types and the provider's scheme do not matter", () => {
    const reordered = { ...settings, eventTypes: settings.eventTypes?.toReversed() ?? [] };
    expect([hasSettings(webhook, settings), hasSettings(webhook, reordered)]).toEqual([true, true]);
  });

  test("No description is an empty one", () => {
    const { description: _, ...others } = settings;
    expect(hasSettings(webhookRecord(others), { ...others, description: "" })).toBe(true);
  });

  test.each<Partial<WebhookSettings>>([
    { url: "https://hooks.example.com/other" },
    { payloadMode: "thin" },
    { format: "standard" },
    { hashFormat: "python" },
    { eventTypes: ["workflow.*"] },
    { description: "ERP" },
  ])("With %j they are others", (change) => {
    expect(hasSettings(webhook, { ...settings, ...change })).toBe(false);
  });
});

describe("A change of a webhook", () => {
  const headers = { names: ["x-key"], sealed: "sealed" };
  const webhook = webhookRecord({
    ...{ url, eventTypes: ["message.reply"], headers, signedAs: "we-link", description: "CRM" },
    ...{ endpointNumber: 3, format: "we-link" },
  });
  const disabled: WebhookItem = {
    ...{ ...webhook, status: "disabled", disabledReason: "disabled_by_client", disabledAt: NOON },
  };
  const other = "https://b.example.com/";
  const without = (name: "eventTypes" | "headers" | "signedAs") => {
    const { [name]: _, ...others } = webhook;
    return others;
  };

  test.each<[string, Parameters<typeof withChange>[1], object]>([
    ["nothing", {}, webhook],
    ["the URL", { url: other }, { ...webhook, url: other, endpointNumber: 4 }],
    ["the URL to the same", { url }, webhook],
    ["the payload", { payloadMode: "thin" }, { ...webhook, payloadMode: "thin" }],
    ["the description to none", { description: "" }, { ...webhook, description: "" }],
    ["the types", { eventTypes: ["workflow.*"] }, { ...webhook, eventTypes: ["workflow.*"] }],
    ["the types to all", { eventTypes: null }, without("eventTypes")],
    ["the headers to none", { headers: null }, without("headers")],
    ["the scheme", { signedAs: "linked-api" }, { ...webhook, signedAs: "linked-api" }],
    ["the scheme to none", { signedAs: null }, without("signedAs")],
    ["the status to disabled, which is not applied", { status: "disabled" }, webhook],
  ])("It changes %s", (_, change, expected) => {
    expect(withChange(webhook, change)).toStrictEqual(expected);
  });

  test("Headers are replaced as a whole", () => {
    const replaced = { names: ["x-other"], sealed: "other" };
    expect(withChange(webhook, { headers: replaced }).headers).toStrictEqual(replaced);
  });

  test("A disabled webhook stays so, with its reason, until its status is changed", () => {
    expect(withChange(disabled, { payloadMode: "thin" })).toStrictEqual({
      ...{ ...disabled, payloadMode: "thin" },
    });
    expect(withChange(disabled, { status: "active" })).toStrictEqual(webhook);
  });

  test("Types that the format does not carry are refused", () => {
    const refusal = refusalBy(() => withChange(webhook, { eventTypes: ["account.active"] }));
    const message = "are not carried by format we-link: account.active";
    expect(refusal).toMatchObject(refusalOf(["eventTypes", message]));
  });

  test("It is shown without its secret and the values of its headers", () => {
    const shown = {
      ...{ id: webhook.webhookId, url, status: "active", disabledReason: undefined },
      ...{ payloadMode: "fat", format: "we-link", hashFormat: "hmac-hex" },
      ...{ eventTypes: ["message.reply"], description: "CRM", headerNames: ["x-key"] },
      ...{ signedAs: "we-link", createdAt: webhook.createdAt },
    };
    expect(viewOf(webhook)).toStrictEqual(shown);
    expect(viewOf(disabled)).toStrictEqual({
      ...{ ...shown, status: "disabled", disabledReason: "disabled_by_client" },
    });
    expect(viewOf({ ...webhook, status: "deleted" }).status).toBe("disabled");
    const standard = viewOf(webhookRecord());
    expect([standard.hashFormat, standard.headerNames]).toEqual([undefined, undefined]);
  });
});

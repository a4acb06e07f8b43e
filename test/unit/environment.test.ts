import { describe, expect, test } from "vitest";
import { functionSettingsText, resolveSettings } from "../../infra/settings.ts";
import { consumeEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";

const settings = functionSettingsText(resolveSettings());

const changed = (change: object) =>
  JSON.stringify({ ...(JSON.parse(settings) as object), ...change });

const good = {
  CONFIG_TABLE: "config",
  MASTER_SECRET_ID: "secret",
  BODIES_BUCKET: "bodies",
  PROVIDER_BASE_URLS:
    '{"we-link":"https://we-link.example","linked-api":"https://linked-api.example"}',
  EVENTS_TABLE: "events",
  EVENT_BUS_NAME: "bus",
  INBOUND_QUEUE_URL: "http://127.0.0.1/q",
  REQUESTS_TABLE: "requests",
  SUBMIT_QUEUE_URL: "http://127.0.0.1/s",
  SETTINGS: settings,
  STACK: "ackwire-test",
  BUSINESS_CLOCK: '{"realMs":0,"businessMs":0,"speed":1}',
};

test("a complete environment is parsed", () => {
  expect(readEnvironment("consume", consumeEnv, good)).toMatchObject({
    SETTINGS: { claimLeaseSeconds: 30, deliveryDelaysSeconds: "5,300,1800,7200,18000,36000,36000" },
    BUSINESS_CLOCK: { speed: 1 },
  });
});

describe("a wrong one names every bad variable and no value", () => {
  test.each([
    [{ EVENTS_TABLE: undefined }, ["EVENTS_TABLE (is missing)"]],
    [{ EVENTS_TABLE: "" }, ["EVENTS_TABLE ("]],
    [{ SETTINGS: "secret-value" }, ["SETTINGS ("]],
    [{ SETTINGS: changed({ claimLeaseSeconds: -1 }) }, ["SETTINGS ("]],
    [{ SETTINGS: changed({ claimLeaseSeconds: "secret-value" }) }, ["SETTINGS ("]],
    [
      { SETTINGS: changed({ claimLeaseSeconds: undefined }), EVENT_BUS_NAME: undefined },
      ["SETTINGS (", "EVENT_BUS_NAME (is missing)"],
    ],
    [{ BUSINESS_CLOCK: "secret-value" }, ["BUSINESS_CLOCK ("]],
    [{ BUSINESS_CLOCK: '{"realMs":0,"businessMs":0,"speed":-1}' }, ["BUSINESS_CLOCK ("]],
  ])("the error for %j names every invalid variable and no value", (over, named) => {
    const read = () => readEnvironment("consume", consumeEnv, { ...good, ...over });
    expect(read).toThrow(/^The environment of consume is wrong: /);
    for (const text of named) expect(read).toThrow(text);
    expect(read).not.toThrow("secret-value");
  });
});

import { describe, expect, test } from "vitest";
import { requestRulesOf } from "../../infra/request-rules.ts";
import { resolveSettings } from "../../infra/settings.ts";
import { consumeEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";

const rules = requestRulesOf(resolveSettings());

const good = {
  CONFIG_TABLE: "config",
  MASTER_SECRET_ID: "secret",
  BODIES_BUCKET: "bodies",
  PROVIDER_BASE_URLS:
    '{"we-link":"https://we-link.example","linked-api":"https://linked-api.example"}',
  EVENTS_TABLE: "events",
  EVENT_BUS_NAME: "bus",
  INBOUND_QUEUE_URL: "http://127.0.0.1/q",
  CLAIM_LEASE_SECONDS: "30",
  DEDUPE_RETENTION_DAYS: "30",
  REQUESTS_TABLE: "requests",
  SUBMIT_QUEUE_URL: "http://127.0.0.1/s",
  REQUEST_RULES: rules,
  BUSINESS_CLOCK: '{"realMs":0,"businessMs":0,"speed":1}',
};

test("a complete environment is parsed", () => {
  expect(readEnvironment("consume", consumeEnv, good)).toMatchObject({
    CLAIM_LEASE_SECONDS: 30,
    BUSINESS_CLOCK: { speed: 1 },
  });
});

describe("a wrong one names every bad variable and no value", () => {
  test.each([
    [{ EVENTS_TABLE: undefined }, ["EVENTS_TABLE (is missing)"]],
    [{ EVENTS_TABLE: "" }, ["EVENTS_TABLE ("]],
    [{ CLAIM_LEASE_SECONDS: "secret-value" }, ["CLAIM_LEASE_SECONDS ("]],
    [
      { CLAIM_LEASE_SECONDS: "0", EVENT_BUS_NAME: undefined },
      ["CLAIM_LEASE_SECONDS (", "EVENT_BUS_NAME (is missing)"],
    ],
    [{ BUSINESS_CLOCK: "secret-value" }, ["BUSINESS_CLOCK ("]],
    [{ BUSINESS_CLOCK: '{"realMs":0,"businessMs":0,"speed":0}' }, ["BUSINESS_CLOCK ("]],
  ])("%j", (over, named) => {
    const read = () => readEnvironment("consume", consumeEnv, { ...good, ...over });
    expect(read).toThrow(/^The environment of consume is wrong: /);
    for (const text of named) expect(read).toThrow(text);
    expect(read).not.toThrow("secret-value");
  });
});

import { afterAll, beforeAll, describe } from "vitest";
import { type OutboundRun, startOutboundRun } from "../support/runs/outbound-run.ts";
import { beginScenarios, type Scenarios } from "../support/scenarios/linked-api-scenarios.ts";
import {
  beginWeLinkScenarios,
  type WeLinkScenarios,
} from "../support/scenarios/we-link-scenarios.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";
import { linkedApiWebhooksOutbound } from "./linked-api-webhooks-outbound.suite.ts";
import { weLinkOutbound } from "./we-link-outbound.suite.ts";

/** The sentences about webhooks that Ackwire sends. Both suites share one run. */
let outbound: OutboundRun;
let linkedApi: Scenarios;
let weLink: WeLinkScenarios;
beforeAll(async () => {
  // Half a day passes in a second, because the eight attempts of a delivery take more than a day.
  outbound = await startOutboundRun({
    speed: 43_200,
    settings: { deliveryTimeoutSeconds: "5" },
  });
  linkedApi = beginScenarios(outbound);
  weLink = beginWeLinkScenarios(outbound);
});
beforeAll(async () => {
  await Promise.allSettled([...Object.values(linkedApi), ...Object.values(weLink)]);
}, LONG_TEST_TIMEOUT_MS);
afterAll(() => outbound.close());

describe("We-Link", () => weLinkOutbound(() => weLink));
describe("Linked API", () => linkedApiWebhooksOutbound(() => linkedApi));

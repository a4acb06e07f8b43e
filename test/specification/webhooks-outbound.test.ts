import { afterAll, beforeAll, describe } from "vitest";
import { type OutboundRun, startOutboundRun } from "../support/runs/outbound-run.ts";
import { beginStories, type Stories } from "../support/scenarios/linked-api-scenarios.ts";
import { beginWeLinkStories, type WeLinkStories } from "../support/scenarios/we-link-scenarios.ts";
import { linkedApiWebhooksOutbound } from "./linked-api-webhooks-outbound.suite.ts";
import { weLinkOutbound } from "./we-link-outbound.suite.ts";

/** What the documents say of webhooks where we are the sender. They share one run, and its time. */
let outbound: OutboundRun;
let linkedApi: Stories;
let weLink: WeLinkStories;
beforeAll(async () => {
  // Half a day passes in a second: the eight attempts of a delivery need more than one.
  outbound = await startOutboundRun({
    speed: 43_200,
    settings: { deliveryTimeoutSeconds: "5" },
  });
  linkedApi = beginStories(outbound);
  weLink = beginWeLinkStories(outbound);
});
beforeAll(async () => {
  await Promise.allSettled([...Object.values(linkedApi), ...Object.values(weLink)]);
});
afterAll(() => outbound.close());

describe("We-Link", () => weLinkOutbound(() => weLink));
describe("Linked API", () => linkedApiWebhooksOutbound(() => linkedApi));

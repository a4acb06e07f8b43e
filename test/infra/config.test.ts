import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RootConstruct } from "constructs";
import { describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../infra/config.ts";
import { readStageFile, stagesDirectory } from "../../infra/stage-file.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import { cdkContext } from "./synth.ts";

/** Reads a configuration from the context and the content of the stage's file. */
function read(context: Record<string, unknown>, stageFile: Record<string, unknown> = {}) {
  const { node } = new RootConstruct();
  for (const [key, value] of Object.entries(cdkContext(context))) node.setContext(key, value);
  return readConfig(node, () => stageFile);
}

/** Returns the problems that the error lists, without its heading; an empty list when there is no error. */
function problems(
  context: Record<string, unknown>,
  stageFile: Record<string, unknown> = {},
): string[] {
  try {
    read(context, stageFile);
  } catch (error) {
    return String(error).split("\n  - ").slice(1);
  }
  return [];
}

describe("Valid configurations", () => {
  test("An empty context gives the stage dev, every default and real time", () => {
    expect(read({})).toEqual({
      stage: "dev",
      settings: settingsSchema.parse({}),
      businessClock: '{"realMs":0,"businessMs":0,"speed":1}',
      providerBaseUrls:
        '{"we-link":"https://api.we-link.ai","linked-api":"https://api.linkedapi.io"}',
      webhookTargets: '{"ports":[443,8443],"allowsLocal":false,"refusedPorts":[]}',
      retainData: false,
      rollout: "AllAtOnce",
      alarms: undefined,
      customDomain: undefined,
      tracing: { exporter: "off", url: undefined, tracesProviders: false },
    });
  });

  test("A setting given by name overrides the settings object", () => {
    const settings = JSON.stringify({ consumeBatchSize: 3, archiveRetentionDays: "7" });
    expect(read({ settings, consumeBatchSize: "4" }).settings).toMatchObject({
      consumeBatchSize: 4,
      archiveRetentionDays: 7,
    });
  });

  test("The stage local may have a business clock", () => {
    const businessClock = '{"realMs":1,"businessMs":2,"speed":3600}';
    expect(read({ stage: "local", businessClock }).businessClock).toBe(businessClock);
  });

  test("A custom domain has a name and a certificate", () => {
    const customDomain = {
      domainName: "hooks.example.com",
      certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
    };
    expect(read({ ...customDomain }).customDomain).toEqual(customDomain);
  });

  test("Only the stages dev and local delete their data with the stack", () => {
    const retains = (stage: string) => read({ stage }).retainData;
    expect(["dev", "local", "prod", "test"].map(retains)).toEqual([false, false, true, true]);
    expect(read({ stage: "preview" }, { retainData: false }).retainData).toBe(false);
    expect(read({ retainData: "true" }).retainData).toBe(true);
  });
});

describe("Stage files", () => {
  test("A stage file has settings by name, a settings object, and everything else of the context", () => {
    const file = {
      paceMinSeconds: 45,
      settings: { paceMaxSeconds: 120 },
      domainName: "hooks.example.com",
      certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
      providerBaseUrls: { "we-link": "https://a.example", "linked-api": "https://b.example" },
      alarmEmail: "ops@example.com",
    };
    expect(read({ stage: "prod" }, file)).toMatchObject({
      settings: { paceMinSeconds: 45, paceMaxSeconds: 120 },
      customDomain: { domainName: "hooks.example.com" },
      providerBaseUrls: '{"we-link":"https://a.example","linked-api":"https://b.example"}',
      alarms: { pageEmail: "ops@example.com", ticketEmail: "ops@example.com" },
    });
  });

  test("The context overrides the file, in whichever form a setting is given", () => {
    const file = { paceMinSeconds: 45, settings: { paceMaxSeconds: 120 } };
    const context = { stage: "prod", paceMaxSeconds: "130", settings: '{"paceMinSeconds":50}' };
    expect(read(context, file).settings).toMatchObject({ paceMinSeconds: 50, paceMaxSeconds: 130 });
  });

  test("A wrong value in a stage file is rejected like one of the context", () => {
    expect(problems({ stage: "prod" }, { consumeBatchSize: 11, alarmEmial: "x" })).toEqual([
      expect.stringContaining("consumeBatchSize: got 11"),
      expect.stringContaining("alarmEmial: no such setting"),
      expect.stringContaining("besides settings, there may be stage"),
    ]);
  });

  test("A stage other than dev and local without its file is refused, with what to do", () => {
    const directory = mkdtempSync(join(tmpdir(), "ackwire-stages-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    expect(readStageFile("dev", directory)).toEqual({});
    expect(readStageFile("local", directory)).toEqual({});
    expect(() => readStageFile("prod", directory)).toThrow(
      /there is no stages\/prod\.json; create it .* and commit it/,
    );
    writeFileSync(join(directory, "prod.json"), '{"$schema":"any","alarms":"off"}');
    expect(readStageFile("prod", directory)).toEqual({ alarms: "off" });
    for (const [text, problem] of [
      ["[]", "must be a JSON object"],
      ["{", "must be a JSON object"],
      ['{"stage":"prod"}', "the name of the file is the stage"],
    ]) {
      writeFileSync(join(directory, "prod.json"), String(text));
      expect(() => readStageFile("prod", directory)).toThrow("stages/prod.json: ");
      expect(() => readStageFile("prod", directory)).toThrow(String(problem));
    }
  });

  test("The files of the repository are valid", () => {
    for (const file of readdirSync(stagesDirectory)) {
      const stage = file.replace(/\.json$/, "");
      expect(problems({ stage }, readStageFile(stage))).toEqual([]);
    }
  });
});

describe("Alarms", () => {
  const topicArn = "arn:aws:sns:eu-west-1:111122223333:ops";

  test("Alarms are on, except in the stage dev as long as nobody is to be notified", () => {
    const isOn = (context: Record<string, unknown>) => read(context).alarms !== undefined;
    expect(isOn({ stage: "prod" })).toBe(true);
    expect(isOn({ stage: "prod", alarms: "off" })).toBe(false);
    expect(isOn({})).toBe(false);
    expect(isOn({ alarms: "on" })).toBe(true);
    expect(isOn({ alarmEmail: "me@example.com" })).toBe(true);
  });

  test("Pages and tickets have an address or a topic each", () => {
    const alarms = { alarmEmail: "all@example.com", pageEmail: "now@example.com" };
    expect(read({ stage: "prod", ...alarms }).alarms).toMatchObject({
      pageEmail: "now@example.com",
      ticketEmail: "all@example.com",
    });
    expect(
      read({ stage: "prod", pageTopicArn: topicArn, alarmEmail: "all@example.com" }).alarms,
    ).toMatchObject({
      pageTopicArn: topicArn,
      pageEmail: undefined,
      ticketEmail: "all@example.com",
    });
  });

  test.each([
    [{ alarms: "yes" }, "alarms: got "],
    [{ alarms: "off", pageEmail: "a@b.example" }, "pageEmail: is given, but alarms is off"],
    [{ pageTopicArn: topicArn, pageEmail: "a@b.example" }, "pageEmail: these alarms go to page"],
    [{ pageTopicArn: "ops" }, "pageTopicArn: got "],
    [{ runbookBaseUrl: "https://wiki.example/" }, "runbookBaseUrl: got "],
    [
      { pageTopicArn: topicArn, ticketTopicArn: topicArn, alarmEmail: "a@b.example" },
      "alarmEmail: every alarm goes to a topic of yours",
    ],
  ])("The configuration %j is rejected with a problem about %j", (config, start) => {
    expect(problems({ stage: "prod" }, config)).toEqual([expect.stringContaining(start)]);
  });
});

describe("Tracing", () => {
  test("Spans go to a collector of one's own, or to X-Ray", () => {
    const url = "http://localhost:4318/v1/traces";
    expect(read({ tracing: "otlp", tracingUrl: url, traceProviders: "true" }).tracing).toEqual({
      exporter: "otlp",
      url,
      tracesProviders: true,
    });
    expect(read({ tracing: "xray" }).tracing).toMatchObject({ exporter: "xray", url: undefined });
  });

  test.each([
    [{ tracing: "on" }, "tracing: got "],
    [{ tracing: "otlp" }, "tracingUrl: is missing"],
    [{ tracing: "otlp", tracingUrl: "localhost:4318" }, "tracingUrl: got "],
    [{ tracing: "xray", tracingUrl: "https://a.example" }, "tracingUrl: is given, but tracing is"],
    [{ tracingUrl: "https://a.example" }, "tracingUrl: is given, but tracing is off"],
    [{ traceProviders: "yes" }, "traceProviders: got "],
  ])("The configuration %j is rejected with a problem about %j", (config, start) => {
    expect(problems(config)).toEqual([expect.stringContaining(start)]);
  });
});

const baseUrls = (url: string) => JSON.stringify({ "we-link": url, "linked-api": url });

test.each([
  ["prod", "https://proxy.example.com/v2"],
  ["local", "http://127.0.0.1:8790"],
])("The stage %s accepts the provider URL %s", (stage, url) => {
  expect(read({ stage, providerBaseUrls: baseUrls(url) }).providerBaseUrls).toBe(baseUrls(url));
});

test.each([
  ["prod", baseUrls("http://127.0.0.1:8790"), 'only the stage "local" may have other than https'],
  ["local", baseUrls("ftp://example.com"), "must be JSON text"],
  ["local", baseUrls("http://127.0.0.1:8790/"), "must be JSON text"],
  ["local", '{"we-link":"https://api.we-link.ai"}', "must be JSON text"],
  ["local", "https://api.we-link.ai", "must be JSON text"],
  ["local", 7, "must be JSON text"],
])("The stage %s rejects the provider URLs %j", (stage, providerBaseUrls, reason) => {
  expect(problems({ stage, providerBaseUrls })).toEqual([expect.stringContaining(reason)]);
});

describe("Webhook targets", () => {
  const local = '{"ports":[443],"allowsLocal":true,"refusedPorts":[8787]}';

  test("The stage local sets the webhook targets", () => {
    expect(read({ stage: "local", webhookTargets: local }).webhookTargets).toBe(local);
  });

  test("Other stages deliver webhooks to public addresses on the ports of the settings, each listed once", () => {
    const ports = { webhookPort: 444, webhookAlternativePort: "444" };
    expect(JSON.parse(read({ stage: "prod", ...ports }).webhookTargets)).toEqual({
      ports: [444],
      allowsLocal: false,
      refusedPorts: [],
    });
  });

  test("Other stages reject webhook targets, so they cannot deliver to local addresses", () => {
    expect(problems({ stage: "prod", webhookTargets: local })).toEqual([
      'webhookTargets: only the stage "local" may have one; this is "prod"',
    ]);
  });

  test.each(["", "443", "{}", '{"ports":[],"allowsLocal":true,"refusedPorts":[]}', 7])(
    "The webhook targets %j are rejected",
    (webhookTargets) => {
      expect(problems({ stage: "local", webhookTargets })).toEqual([
        expect.stringMatching(/^webhookTargets: got .*; must be JSON text \{"ports"/),
      ]);
    },
  );
});

describe("Delivery delays", () => {
  test("Seven delivery delays in seconds are accepted", () => {
    const deliveryDelaysSeconds = "0,1,2,3,4,5,86400";
    expect(read({ deliveryDelaysSeconds, deliveryRetentionDays: 2 }).settings).toMatchObject({
      deliveryDelaysSeconds,
    });
  });

  test.each([
    "",
    "5",
    "1,2,3,4,5,6",
    "1,2,3,4,5,6,7,8",
    "1,2,3,4,5,6,86401",
    "1, 2,3,4,5,6,7",
    5,
    null,
    [1],
  ])("The delivery delays %j are rejected", (deliveryDelaysSeconds) => {
    expect(problems({ settings: { deliveryDelaysSeconds } })).toEqual([
      `deliveryDelaysSeconds: got ${JSON.stringify(deliveryDelaysSeconds)}; allowed is seven whole numbers of seconds from 0 to 86400 separated by commas (default 5,300,1800,7200,18000,36000,36000)`,
    ]);
  });
});

describe("Invalid configurations", () => {
  test("One error lists every problem of the configuration", () => {
    expect(problems({ consumeBatchSize: 11, stag: "prod", alarmEmail: "nobody" })).toEqual([
      "consumeBatchSize: got 11; allowed is a whole number from 1 to 10 (default 10)",
      `stag: no such setting; there are ${Object.keys(settingsSchema.shape).join(", ")}`,
      "besides settings, there may be stage, settings, businessClock, providerBaseUrls, webhookTargets, consoleUrl, retainData, rollout, alarms, alarmEmail, pageEmail, ticketEmail, pageTopicArn, ticketTopicArn, runbookBaseUrl, domainName, certificateArn, tracing, tracingUrl, traceProviders, console, consoleFrameAncestors",
      'alarmEmail: got "nobody"; must match ^[^\\s@]+@[^\\s@]+$',
    ]);
  });

  test.each(["", " ", "ten", "1.5", "-1", "301", null, true, [3]])(
    "The value %j for connectionCacheSeconds is rejected",
    (value) => {
      expect(problems({ settings: { connectionCacheSeconds: value } })).toEqual([
        `connectionCacheSeconds: got ${JSON.stringify(value)}; allowed is a whole number from 0 to 300 (default 30)`,
      ]);
    },
  );

  test.each([
    [20, []],
    [60, []],
    [61, [expect.stringContaining("visibility timeout of 60 s")]],
  ])(
    "A claim lease of %d s is checked against the visibility timeout",
    (claimLeaseSeconds, expected) => {
      expect(problems({ claimLeaseSeconds })).toEqual(expected);
    },
  );

  test("A longer batch window lengthens the visibility timeout and the longest claim lease", () => {
    expect(problems({ claimLeaseSeconds: 61, consumeBatchWindowSeconds: 1 })).toEqual([]);
  });

  test.each([
    [4_999, []],
    [5_000, [expect.stringContaining("less than ingest's timeout of 5000 ms")]],
  ])(
    "An inbound deadline of %d ms is checked against the timeout of ingest",
    (inboundDeadlineMs, expected) => {
      expect(problems({ inboundDeadlineMs })).toEqual(expected);
    },
  );

  test.each([
    [{ laneLeaseSeconds: 179 }, []],
    [{ laneLeaseSeconds: 180 }, ["laneLeaseSeconds: got 180; must be less than the submit queue"]],
    [{ paceMinSeconds: 90 }, []],
    [{ paceMinSeconds: 91 }, ["paceMaxSeconds: got 90; must be at least paceMinSeconds, which is"]],
    [{ laneHoldSeconds: 86_400 }, []],
    [{ laneHoldSeconds: 86_401 }, ["laneHoldSeconds: got 86401; must be at most resultTimeout"]],
    [{ unknownHoldSeconds: 86_400 }, []],
    [{ unknownTimeoutSeconds: 899 }, ["unknownHoldSeconds: got 900; must be at most unknownTime"]],
    [{ scheduleMaxDays: 1, scheduleLeadSeconds: 86_400 }, []],
    [{ scheduleMaxDays: 1, scheduleLeadSeconds: 86_401 }, ["scheduleLeadSeconds: got 86401; must"]],
    [{ dedupeRetentionDays: 90 }, []],
    [{ dedupeRetentionDays: 91 }, ["requestRetentionDays: got 90; must be at least dedupeRet"]],
    [{ deliveryRetentionDays: 1 }, []],
    [{ deliveryRetentionDays: 1, deliveryDelaysSeconds: "5,5,5,5,5,5,71999" }, []],
    [
      { deliveryRetentionDays: 1, deliveryDelaysSeconds: "5,5,5,5,5,5,72000" },
      ["deliveryRetentionDays: got 1; must be more than the longest delay of delivery"],
    ],
    [{ deliverMaxConcurrency: 4 }, []],
    [
      { deliverMaxConcurrency: 3 },
      ["deliveryWorkersPerEndpoint: got 3; must be less than deliverMaxConcurrency, which is 3"],
    ],
    [{ idempotencyHours: 2_160 }, []],
    [{ idempotencyHours: 2_161 }, ["idempotencyHours: got 2161; must be at most requestRet"]],
  ])("The settings %j are checked against each other", (settings, starts) => {
    expect(problems(settings)).toEqual(starts.map((start) => expect.stringContaining(start)));
  });

  test("A log retention that CloudWatch Logs does not support is rejected", () => {
    expect(problems({ logRetentionDays: 31 })).toEqual([
      expect.stringMatching(/^logRetentionDays: got 31; .*\b30, 60,.*\b3653$/),
    ]);
  });

  test("Stages other than local reject a business clock", () => {
    const businessClock = '{"realMs":0,"businessMs":0,"speed":2}';
    expect(problems({ stage: "prod", businessClock })).toEqual([
      'businessClock: only the stage "local" may have one; this is "prod"',
    ]);
  });

  test.each(["", "now", "{}", '{"realMs":0,"businessMs":0,"speed":0}'])(
    "The business clock %j is rejected",
    (businessClock) => {
      expect(problems({ stage: "local", businessClock })).toEqual([
        expect.stringContaining("must be JSON text"),
      ]);
    },
  );

  test.each([
    [{ stage: "Prod" }, "stage: "],
    [{ stage: "" }, "stage: "],
    [{ settings: "[]" }, "settings: must be a JSON object"],
    [{ settings: "{" }, "settings: must be a JSON object"],
    [{ domainName: "hooks.example.com" }, "domainName, certificateArn: only one is given"],
    [{ certificateArn: "arn:aws:acm:x:1:certificate/a" }, "domainName, certificateArn: only one"],
  ])("The context %j is rejected with a problem about %j", (context, start) => {
    expect(problems(context)).toEqual([expect.stringContaining(start)]);
  });
});

import { describe, expect, test } from "vitest";
import { filesBelow, textOf } from "../support/tree.ts";
import { all, find, synth } from "./synth.ts";

const { resources } = synth({ stage: "prod" });

const texts = filesBelow("docs/runbooks", ".md").map(textOf);

/** The commands of all runbooks that begin so, each in one line. */
const commands = (start: string) =>
  texts
    .flatMap((text) => text.replaceAll(/\\\n */g, "").split("\n"))
    .map((line) => line.trim())
    .filter((line) => line.startsWith(start));

describe("The commands of the runbooks", () => {
  test("Event source mappings are listed by the alias of the function, which they are made with", () => {
    const mappings = all(resources, "AWS::Lambda::EventSourceMapping");
    for (const [, { Properties }] of mappings) {
      expect(JSON.stringify(Properties.FunctionName)).toContain('":live"');
    }
    const listed = commands("aws lambda list-event-source-mappings");
    expect(listed.length).toBeGreaterThan(0);
    expect(listed.filter((line) => !/ --function-name "[^"]+ \w+\):live" /.test(line))).toEqual([]);
  });

  test("Dead letters are received by long polls, which ask all servers of SQS", () => {
    const received = commands("aws sqs receive-message");
    expect(received.length).toBeGreaterThan(0);
    expect(received.filter((line) => !/ --wait-time-seconds [1-9]/.test(line))).toEqual([]);
  });

  test("Filters of the access log compare its statuses as texts, which they are in its lines", () => {
    const stage = find(resources, "AWS::ApiGatewayV2::Stage").Properties;
    const { Format } = stage.AccessLogSettings as { Format: string };
    expect(Format).toContain('"status":"$context.status"');
    const compared = texts.flatMap((text) => text.match(/\$\.status !?= *\S+/g) ?? []);
    expect(compared.length).toBeGreaterThan(0);
    expect(compared.filter((one) => !/= "[\d*]+"/.test(one))).toEqual([]);
  });
});

import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { makeSqsWorkQueues } from "../../../shared/adapters/sqs/sqs-work-queues.ts";
import { bodies, clientsOf, queueUrl, running, templateOf } from "./local-aws-fixture.ts";

const queue = { Type: "AWS::SQS::Queue" };
const template = templateOf({ Submit: queue, ScheduleDlq: queue, RuleDlq: queue });

test("Dead letters that come from no queue are moved to the one that they were for, or refused where there is none", async () => {
  const { aws } = await running(template);
  const { sqs } = clientsOf(aws.url);
  const submit = queueUrl(aws, "Submit");
  const queues = makeSqsWorkQueues(sqs, [
    { name: "submit", url: submit },
    { name: "requestSchedule", deadLettersUrl: queueUrl(aws, "ScheduleDlq"), returnsTo: submit },
    { name: "rule", deadLettersUrl: queueUrl(aws, "RuleDlq") },
  ]);
  for (const name of ["ScheduleDlq", "RuleDlq"]) {
    const letter = { QueueUrl: queueUrl(aws, name), MessageBody: `of ${name}` };
    await sqs.send(new SendMessageCommand(letter));
  }
  const counts = await queues.counts();
  expect(counts.map((of) => [of.name, of.isRedrivable, of.maxRedriven])).toEqual([
    ["submit", true, undefined],
    ["requestSchedule", true, 500],
    ["rule", false, undefined],
  ]);
  expect(await queues.redriveAll("requestSchedule")).toBe(1);
  expect(await bodies(aws, "Submit")).toEqual(["of ScheduleDlq"]);
  await expect(queues.redriveAll("rule")).rejects.toMatchObject({ code: "CONFLICT" });
});

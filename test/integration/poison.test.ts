import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { attachBusConsumer } from "../support/fakes/bus-consumer.ts";
import { editedAssembly } from "../support/runs/edited-assembly.ts";
import { startTestRun } from "../support/runs/local-run.ts";

test("A poison message ends in the dead-letter queue, and its neighbours are published (G11)", async () => {
  // The visibility timeout is shorter than deployed, and longer than a batch takes on a busy machine.
  const assemblyDir = editedAssembly(({ Resources }) => {
    const queue = Resources.AckwireInboundQueue23237C85?.Properties;
    if (!queue) throw new Error("no inbound queue");
    queue.VisibilityTimeout = 6;
    (queue.RedrivePolicy as { maxReceiveCount: number }).maxReceiveCount = 2;
  });
  const run = await startTestRun({ assemblyDir });
  const sqs = new SQSClient(localAws(run.addresses.awsUrl));
  try {
    const consumer = await attachBusConsumer({
      awsUrl: run.addresses.awsUrl,
      busName: run.outputs.BusName ?? "",
    });
    for (const MessageBody of ["not ours", '{"v":1}', '{"v":1,"provider":"we-link"}']) {
      const QueueUrl = run.outputs.InboundQueueUrl;
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    }
    for (let n = 0; n < 20; n++) {
      run.simulator.send("we-link", { status: "SUCCESS", request_id: `r-${n}`, result: {} });
    }
    expect(await consumer.collect(20)).toHaveLength(20);
    const waiting = async (QueueUrl: string | undefined) => {
      const AttributeNames = ["All" as const];
      const get = new GetQueueAttributesCommand({ QueueUrl, AttributeNames });
      return (await sqs.send(get)).Attributes ?? {};
    };
    await expect
      .poll(() => waiting(run.outputs.InboundDlqUrl))
      .toMatchObject({ ApproximateNumberOfMessages: "3" });
    expect(await waiting(run.outputs.InboundQueueUrl)).toMatchObject({
      ApproximateNumberOfMessages: "0",
      ApproximateNumberOfMessagesNotVisible: "0",
    });
    expect(run.printed.filter((line) => line.includes("MESSAGE_MALFORMED"))).not.toEqual([]);
  } finally {
    sqs.destroy();
    await run.close();
  }
});

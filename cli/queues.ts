import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { StackTarget } from "../shared/composition/administration.ts";

/** The approximate numbers of messages that wait, are being processed, and are delayed. */
export async function readDepth(
  { aws }: StackTarget,
  QueueUrl: string,
): Promise<{ waiting: number; inFlight: number; delayed: number }> {
  const { Attributes = {} } = await new SQSClient(aws).send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
  );
  return {
    waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
    delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
  };
}

import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import { REGION } from "../physical-name.ts";

/** A record of an SQS event: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export interface SqsEventRecord {
  messageId: string;
  receiptHandle: string;
  body: string;
  attributes: Record<string, string>;
  messageAttributes: Record<string, object>;
  md5OfMessageAttributes?: string;
  md5OfBody: string;
  eventSource: "aws:sqs";
  eventSourceARN: string;
  awsRegion: string;
}

export function sqsRecord(message: Message, queueArn: string): SqsEventRecord {
  return {
    messageId: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    attributes: { ...message.Attributes },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
        name,
        messageAttribute(value),
      ]),
    ),
    ...(message.MD5OfMessageAttributes !== undefined && {
      md5OfMessageAttributes: message.MD5OfMessageAttributes,
    }),
    md5OfBody: message.MD5OfBody ?? "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}

function messageAttribute({ StringValue, BinaryValue, DataType }: MessageAttributeValue): object {
  return {
    ...(StringValue !== undefined && { stringValue: StringValue }),
    ...(BinaryValue && { binaryValue: Buffer.from(BinaryValue).toString("base64") }),
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType,
  };
}

/** Splits records, in order, into events that fit the payload limit of an invocation. */
export function eventsWithin(
  maxBytes: number,
  records: SqsEventRecord[],
): { Records: SqsEventRecord[] }[] {
  const events: { Records: SqsEventRecord[] }[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const record of records) {
    // Plus one byte for the comma. The first record of an event accounts for the envelope.
    const recordBytes = Buffer.byteLength(JSON.stringify(record)) + 1;
    if (size + recordBytes > maxBytes) {
      events.push({ Records: [] });
      size = '{"Records":[]}'.length;
    }
    events.at(-1)?.Records.push(record);
    size += recordBytes;
  }
  return events;
}

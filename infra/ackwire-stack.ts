import { type App, CfnOutput, Stack } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { type Config, retainsData } from "./config.ts";
import { Ackwire } from "./constructs/ackwire.ts";

/** One stage of Ackwire as a stack of its own, in whichever account and region it is deployed to. */
export class AckwireStack extends Stack {
  constructor(app: App, config: Config) {
    const { stage, settings, businessClock, providerBaseUrls, webhookTargets } = config;
    const { alarmEmail, customDomain } = config;
    const retainData = retainsData(stage);
    super(app, `ackwire-${stage}`, {
      description: `Ackwire, stage ${stage}`,
      terminationProtection: retainData,
    });
    const ackwire = new Ackwire(this, "Ackwire", {
      settings,
      retainData,
      businessClock,
      providerBaseUrls,
      webhookTargets,
      alarmEmail,
      customDomain: customDomain && {
        domainName: customDomain.domainName,
        certificate: Certificate.fromCertificateArn(
          this,
          "Certificate",
          customDomain.certificateArn,
        ),
      },
    });
    this.#outputs(ackwire);
  }

  /** What users, the CLI and the local run look up. The keys are frozen. */
  #outputs({ bus, alarmTopic, parts }: Ackwire): void {
    const outputs = {
      ApiUrl: parts.publicApi.url,
      BusName: bus.eventBusName,
      InboundQueueUrl: parts.inbound.queue.queueUrl,
      InboundDlqUrl: parts.inbound.deadLetters.queueUrl,
      SubmitQueueUrl: parts.submit.queue.queueUrl,
      SubmitDlqUrl: parts.submit.deadLetters.queueUrl,
      RequestScheduleDlqUrl: parts.schedules.deadLetters.queueUrl,
      FanoutQueueUrl: parts.fanout.queue.queueUrl,
      FanoutDlqUrl: parts.fanout.deadLetters.queueUrl,
      AttemptsQueueUrl: parts.attempts.queue.queueUrl,
      AttemptsDlqUrl: parts.attempts.deadLetters.queueUrl,
      RetriesQueueUrl: parts.retries.queue.queueUrl,
      RetriesDlqUrl: parts.retries.deadLetters.queueUrl,
      RequestsTableName: parts.requests.table.tableName,
      EventsTableName: parts.events.table.tableName,
      DeliveriesTableName: parts.deliveries.table.tableName,
      BodiesBucketName: parts.bodies.bucket.bucketName,
      ConfigTableName: parts.config.table.tableName,
      MasterSecretArn: parts.masterSecret.secret.secretArn,
      AlarmTopicArn: alarmTopic.topicArn,
      ...(parts.publicApi.domainTarget === undefined
        ? {}
        : { ApiDomainTarget: parts.publicApi.domainTarget }),
    };
    for (const [key, value] of Object.entries(outputs)) new CfnOutput(this, key, { value });
  }
}

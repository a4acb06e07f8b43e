import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { AckwireStack } from "./ackwire-stack.ts";
import { readConfig } from "./config.ts";
import { ConfigurationError } from "./configuration-error.ts";

const app = new App();
try {
  new AckwireStack(app, readConfig(app.node));
  // Any finding that is not acknowledged where it arises ends the synthesis.
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  // A deployer wants the sentence, not the stack trace.
  console.error(error.message);
  process.exit(1);
}

import * as aws from '@pulumi/aws';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';

export const runs = new aws.dynamodb.Table('Client Run Results', {
  attributes: [{ name: 'RunID', type: 'S' }],
  hashKey: 'RunID',
  billingMode: 'PAY_PER_REQUEST',
});

export function createSchedule(scope: Construct): Rule {
  return new Rule(scope, 'update-runs', { schedule: Schedule.cron({ hour: '2', minute: '0' }) });
}

export function updateTags(tags: Map<string, string>): void {
  tags.set('table', 'Client Run Results').set('create', 'once');
}

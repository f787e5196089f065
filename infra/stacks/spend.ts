import { Stack, type StackProps } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';

export interface SpendStackProps extends StackProps {
  deployment: Deployment;
}

/** The month's budget: a mail at 80 % of it spent, and once the forecast goes beyond it. It stops nothing. */
export class SpendStack extends Stack {
  constructor(scope: Construct, id: string, props: SpendStackProps) {
    super(scope, id, props);
    const { name, aws } = props.deployment;
    const subscribers = aws.alarmsTo.map((address) => ({ address, subscriptionType: 'EMAIL' }));
    const mailAt = (notificationType: string, threshold: number) => ({
      notification: { notificationType, threshold, comparisonOperator: 'GREATER_THAN', thresholdType: 'PERCENTAGE' },
      subscribers,
    });
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetName: `percorso-${name}`,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: aws.monthlyBudgetUsd, unit: 'USD' },
        // Every resource bears the tag; it is counted once the account's billing knows it (docs/aws.md).
        costFilters: { TagKeyValue: [`user:percorso$${name}`] },
      },
      notificationsWithSubscribers: subscribers.length === 0 ? [] : [mailAt('ACTUAL', 80), mailAt('FORECASTED', 100)],
    });
  }
}

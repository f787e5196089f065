import { Stack, Validations } from 'aws-cdk-lib';
import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js';
import type { IConstruct } from 'constructs';

export interface Permission {
  actions: string[];
  resources: string[];
  conditions?: Record<string, Record<string, string | string[]>>;
  /** Why a `*` stands in a resource. Without a reason none may. */
  because?: string;
}

/**
 * Gives a role what it needs and no more: whole names of actions, and resources with a star only for a reason, which the
 * template keeps beside the policy (`Metadata.cdk_nag`).
 */
export function permit(role: Role, { actions, resources, conditions = {}, because }: Permission): void {
  if (actions.some((action) => action.includes('*'))) {
    throw new Error(`${actions.join(', ')}: name each action that the role needs`);
  }
  role.addToPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions, resources, conditions }));
  for (const resource of resources) {
    const flat = flattenCfnReference(Stack.of(role).resolve(resource));
    if (!flat.includes('*')) continue;
    if (because === undefined) throw new Error(`${flat}: say because of what the star is needed`);
    excuse(role, `AwsSolutions-IAM5[Resource::${flat}]`, because);
  }
}

/** Says why a rule of cdk-nag does not hold for a resource; the template keeps it. */
export function excuse(resource: IConstruct, rule: string, reason: string): void {
  Validations.of(resource).acknowledge({ id: rule, reason });
}

// The resident's and the staff's pages: one module, which looks at what page it is on.
import * as areas from './areas';
import { session, showProblem } from './lib';
import * as resident from './resident';
import * as staff from './staff';

const pages: Record<string, () => void | Promise<void>> = {
  'sign-in': resident.signIn, apply: resident.apply, code: resident.code, report: resident.report, stay: resident.stay,
  history: resident.history, rules: resident.rules, risks: areas.risks,
  staff: staff.home, 'staff-areas': areas.areas, 'staff-cases': staff.cases, 'staff-evidence': staff.evidence, 'staff-phone-changes': staff.phoneChanges,
  'staff-people': staff.people, 'staff-statistics': staff.statistics, 'staff-admin': staff.admin,
};

const page = pages[document.body.dataset.page ?? ''] ?? (() => void session());
Promise.resolve(page()).catch(showProblem);

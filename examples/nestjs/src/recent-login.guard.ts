import { ForbiddenException, Injectable, type CanActivate, type ExecutionContext } from "@nestjs/common";
import { getSession } from "holdfast/nestjs";

@Injectable()
export class RecentLoginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const session = getSession(context.switchToHttp().getRequest());
    if (session.authenticatedWithin("5m")) return true;
    throw new ForbiddenException("log in again");
  }
}

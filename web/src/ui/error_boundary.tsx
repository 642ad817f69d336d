import { Component, type ReactNode } from "react";
import { Failed } from "./states";

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };
  static getDerivedStateFromError(error: unknown) { return { error }; }
  override render() {
    if (this.state.error) return <Failed what="This page" error={this.state.error} retry={() => window.location.reload()} />;
    return this.props.children;
  }
}

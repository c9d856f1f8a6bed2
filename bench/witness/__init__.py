"""A stranger's plugin that only looks: it enters the hub by its front door, as any plugin does."""

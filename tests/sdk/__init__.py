"""What the SDK offers to authors: `modules`, `simple`, the kit, the examples, the miniature."""

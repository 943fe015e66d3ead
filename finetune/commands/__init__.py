"""What `finetune` can do, one module for each part of an adapter's life."""

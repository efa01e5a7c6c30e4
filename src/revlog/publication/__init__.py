"""What was built becomes what readers see, in one step; and back."""

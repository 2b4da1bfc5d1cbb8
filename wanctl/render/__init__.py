"""What is shown, a folder for each place where it is read. Plans are read here, never made or changed."""

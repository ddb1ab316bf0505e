"""The backend's endpoints: one file each, put into the application by its `register`."""

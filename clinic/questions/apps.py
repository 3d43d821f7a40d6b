from django.apps import AppConfig


class QuestionsConfig(AppConfig):
    name = "clinic.questions"
    label = "questions"
